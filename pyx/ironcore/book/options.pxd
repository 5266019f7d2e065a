# What an order asks for in its appendage, and which of it is refused (rule 4.9). Pure: bytes in,
# host-endian values and OUCH 5.0 reject reasons out.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum OptionTag:                 # those that this venue knows; its own are in wire.record
    OPTION_MIN_QUANTITY = 3
    OPTION_MAX_FLOOR = 5
    OPTION_PRICE_TYPE = 6
    OPTION_PEG_OFFSET = 7
    OPTION_DISCRETION_PRICE = 9
    OPTION_POST_ONLY = 12
    OPTION_RANDOM_RESERVES = 13
    OPTION_ROUTE = 14
    OPTION_EXPIRE_TIME = 15
    OPTION_GROUP_ID = 24
    OPTION_SIDE = 27

cdef enum OptionNamed:               # bits of Options.named
    NAMED_MIN_QUANTITY = 1
    NAMED_MAX_FLOOR = 2
    NAMED_PRICE_TYPE = 4
    NAMED_PEG_OFFSET = 8
    NAMED_DISCRETION_PRICE = 16
    NAMED_POST_ONLY = 32
    NAMED_RANDOM_RESERVES = 64
    NAMED_ROUTE = 128
    NAMED_EXPIRE_TIME = 256
    NAMED_GROUP = 512
    NAMED_SIDE = 1024
    NAMED_STOP_PRICE = 2048
    NAMED_TRAIL_OFFSET = 4096
    NAMED_SELF_TRADE_PREVENTION = 8192
    NAMED_RESERVE_SEED = 16384
    NAMED_STOP = 2048 | 4096

cdef enum:
    PRICE_TYPE_LIMIT = 76            # 'L'
    PRICE_TYPE_MARKET_PEG = 80       # 'P', the opposite side's best
    PRICE_TYPE_PRIMARY_PEG = 82      # 'R', the own side's best
    PRICE_TYPE_MIDPOINT_PEG = 77     # 'M'
    POST_ONLY = 80                   # 'P'
    POST_ONLY_NOT = 78               # 'N'
    STOP_PRICE_INVALID = -1
    SECONDS_A_DAY = 86400

cdef enum StpMode:                   # self-trade prevention, rule 12.1
    STP_NEWEST = 78                  # 'N'
    STP_OLDEST = 79                  # 'O'
    STP_BOTH = 66                    # 'B'
    STP_DECREMENT = 68               # 'D'
    STP_NONE = 45                    # '-'

cdef struct Options:                 # 48 bytes; with its default where not named
    uint64_t reserve_seed
    uint32_t min_quantity
    uint32_t max_floor
    uint32_t random_reserves
    int32_t peg_offset
    uint32_t expire_second
    int32_t stop_price            # STOP_PRICE_INVALID: does not fit
    uint32_t trail_offset
    uint16_t named                   # OptionNamed
    uint16_t group
    uint8_t price_type
    uint8_t post_only
    uint8_t stp_mode                 # 0: the session's
    uint8_t side                     # of a replacement
    uint32_t reserved

cdef struct OptionsContext:          # what an order's options are judged by, besides themselves
    uint32_t lot_size
    uint32_t quantity                # open
    uint32_t second_next             # the first second of the day that CLOCK has not reached
    int32_t last_price            # of the instrument; 0: none
    bint is_market                   # the price is a market price
    bint stop_price_is_valid         # on the grid and in range; where there is one
    uint8_t time_in_force
    uint8_t display
    uint8_t cross_type

cdef inline bint stp_mode_is_valid(uint8_t mode) noexcept nogil:
    return (mode == STP_NEWEST or mode == STP_OLDEST or mode == STP_BOTH or mode == STP_DECREMENT
            or mode == STP_NONE)


cdef void options_clear(Options* options) noexcept nogil
# STATUS_MALFORMED when the elements do not fill the appendage exactly, or a known option's value
# has another length than its type.
cdef int options_parse(const uint8_t* appendage, uint32_t bytes, Options* options) noexcept nogil
# The options of a replacement: what it does not name is as it was (rule 7.5).
cdef void options_inherit(Options* options, const Options* old) noexcept nogil
# Fits what was inherited, and is not among what the replacement named, to its open quantity (7.5).
# may_show: it is neither hidden nor sure to leave at once.
cdef void options_fit(Options* options, uint32_t named, uint32_t quantity,
                      bint may_show) noexcept nogil
cdef void options_stop_no_more(Options* options) noexcept nogil
# The reject reason of the first of 4.9.1 to 4.9.10 that applies, or REJECT_NONE.
cdef uint32_t options_reject(const Options* options, const OptionsContext* context) noexcept nogil


cdef inline bint options_are_pegged(const Options* options) noexcept nogil:
    return (options.price_type == PRICE_TYPE_MARKET_PEG
            or options.price_type == PRICE_TYPE_PRIMARY_PEG
            or options.price_type == PRICE_TYPE_MIDPOINT_PEG)


cdef inline bint options_are_stop(const Options* options) noexcept nogil:
    return options.named & NAMED_STOP != 0
