# What an order asks for besides price and quantity, as its record has it: declared once, in
# include/iron_options.h, and named here as far as compiled modules read it.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "iron_options.h" nogil:
    enum:                            # bits of OrderOptions.named
        NAMED_MIN_QUANTITY "IRON_NAMED_min_quantity"
        NAMED_RESERVE_SEED "IRON_NAMED_reserve_seed"
        NAMED_MAX_FLOOR "IRON_NAMED_max_floor"
        NAMED_RANDOM_RESERVES "IRON_NAMED_random_reserves"
        NAMED_PEG_OFFSET "IRON_NAMED_peg_offset"
        NAMED_EXPIRE_TIME "IRON_NAMED_expire_second"
        NAMED_STOP_PRICE "IRON_NAMED_stop_price"
        NAMED_TRAIL_OFFSET "IRON_NAMED_trail_offset"
        NAMED_OCO_REF "IRON_NAMED_oco_ref"
        NAMED_GROUP "IRON_NAMED_group"
        NAMED_PRICE_TYPE "IRON_NAMED_price_type"
        NAMED_POST_ONLY "IRON_NAMED_post_only"
        NAMED_SELF_TRADE_PREVENTION "IRON_NAMED_stp_mode"
        NAMED_SIDE "IRON_NAMED_new_side"
        NAMED_DISCRETION_PRICE "IRON_NAMED_discretion_price"
        NAMED_ROUTE "IRON_NAMED_route"
        NAMED_ALL "IRON_NAMED_ALL"
    enum:
        OPTIONS_BYTES "IRON_OPTIONS_BYTES"

    # Behind an EnterOrder or a ReplaceOrder whose record_bytes say so.
    cdef struct OrderOptions "iron_order_options":
        uint32_t named
        uint32_t min_quantity
        uint64_t reserve_seed
        uint32_t max_floor
        uint32_t random_reserves
        int32_t peg_offset
        uint32_t expire_second
        int32_t stop_price           # -1: too high for a price, and no stop's of any instrument
        uint32_t trail_offset
        uint32_t oco_ref             # UserRefNum of the other one of a pair; 0: none
        uint16_t group
        uint8_t price_type
        uint8_t post_only
        uint8_t stp_mode             # 0: the session's
        uint8_t new_side             # of a replacement

    # Each field that is not named gets its default.
    void options_complete "iron_options_complete"(OrderOptions* options)
    # What a replacement does not name is as it was (rule 7.5), of the options that are kept.
    void options_keep "iron_options_inherit"(OrderOptions* options, const OrderOptions* old)
    # Names, besides what is named, every field that is not 0.
    void options_name "iron_options_name"(OrderOptions* options)
    # From the values of OUCH's tags (wire/ouch50_appendage.pxd) and back; which are present then.
    void options_from_tags "iron_options_from_tags"(
        OrderOptions* options, uint64_t present, const uint64_t* values, uint64_t price_max)
    uint64_t options_to_tags "iron_options_to_tags"(const OrderOptions* options, uint64_t* values)

# For the Python face of records; `message` names the record in the ValueError for what is wrong.
cdef dict order_options_dict(const uint8_t* options)
cdef bytes order_options_bytes(object message, dict options)
