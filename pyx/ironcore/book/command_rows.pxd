# Commands as rows of one fixed layout, for programs that hold them in arrays (docs/LIBRARY.md): a
# row names everything that a member's or the venue's command can say, in a field of its own, and
# becomes the record of wire/record.pxd that says the same.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef struct CommandRow:              # 88 bytes; one of COMMAND_DTYPE
    uint8_t type                     # CommandType
    uint8_t side                     # a replacement: 0 keeps the old order's
    uint8_t time_in_force
    uint8_t display
    uint8_t cross_type
    uint8_t reason                   # cancels: OUCH cancel reason, 0 the usual one
    uint8_t scope                    # mass cancel: ScopeBits
    uint8_t event_code               # system event
    uint32_t session
    uint32_t user_ref
    uint32_t instrument
    uint32_t quantity
    int32_t price_e4
    uint32_t orig_user_ref           # replacement
    # Options of orders and replacements: given when they are not 0 or their bit is in `named`.
    uint32_t named                   # OptionNamed (risk/options.pxd)
    uint32_t min_quantity
    uint32_t max_floor
    uint32_t random_reserves
    uint64_t reserve_seed
    int32_t peg_offset_e4
    uint32_t expire_second
    uint32_t stop_price_e4
    uint32_t trail_offset_e4
    uint16_t group                   # of an order, or that a mass cancel names
    uint8_t price_type
    uint8_t post_only
    uint8_t stp_mode
    # The venue's own commands.
    uint8_t state                    # SET_STATE
    uint8_t force
    uint8_t reserved
    char state_reason[4]
    uint32_t second                  # CLOCK

cdef enum ScopeBits:
    SCOPE_FIRM = 1                   # all sessions of the firm
    SCOPE_INSTRUMENT = 2             # only the row's instrument
    SCOPE_SIDE = 4                   # only the row's side
    SCOPE_GROUP = 8                  # only the row's group

cdef enum:
    ROW_OPTIONS_AT = 32              # the options are these 48 bytes
    ROW_OPTIONS_WORDS = 6
    ROW_RECORD_BYTES_MAX = 144       # an order with every option
    ROW_RECORD_WORDS_MAX = 18

# Writes the record at an 8-byte aligned place with room for ROW_RECORD_BYTES_MAX; its length. A row
# of a type that has no rows becomes a header alone, which is malformed.
cdef uint32_t row_to_record(const CommandRow* row, uint8_t* record) noexcept nogil
