# Commands as rows of one fixed layout, for programs that hold them in arrays (docs/LIBRARY.md): a
# row names everything that a member's or the venue's command can say, in a field of its own, and
# becomes the record of wire/record.pxd that says the same.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.builtins cimport iron_likely
from ironcore.wire.order_options cimport OrderOptions
from ironcore.wire.record cimport (
    COMMAND_CANCEL_ORDER, COMMAND_ENTER_ORDER, COMMAND_REPLACE_ORDER, INSTRUMENT_NONE, CancelOrder,
    CommandHeader, EnterOrder, MassCancel, ReplaceOrder,
)

cdef struct CommandRow:              # 104 bytes; one of COMMAND_DTYPE
    uint8_t type                     # CommandType
    uint8_t side                     # of an order, a modify or, with its scope, a mass cancel
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
    int32_t price
    uint32_t orig_user_ref           # replacement
    # Of orders and replacements: given when they are not 0 or their bit is in `named`. A mass
    # cancel may name the group.
    OrderOptions options
    # The venue's own commands.
    char state_reason[4]             # SET_STATE
    uint32_t second                  # CLOCK
    uint8_t state                    # SET_STATE
    uint8_t force
    uint16_t draw                    # CLOCK
    uint8_t reserved[4]

cdef enum ScopeBits:
    SCOPE_FIRM = 1                   # all sessions of the firm
    SCOPE_INSTRUMENT = 2             # only the row's instrument
    SCOPE_SIDE = 4                   # only the row's side
    SCOPE_GROUP = 8                  # only the row's group

cdef enum:
    ROW_OPTIONS_WORDS = 7

# Where rows become records, one after the other in the same place: what is the same in all records
# of a kind is written once, and what differs is in the innermost cache when it is applied.
cdef struct RowRecords:
    EnterOrder enter
    OrderOptions enter_options
    ReplaceOrder replace
    OrderOptions replace_options
    CancelOrder cancel
    MassCancel other                 # and whatever else is no longer than that

cdef void row_records_prepare(RowRecords* records) noexcept nogil

# The options of a row that has some; their bytes.
cdef uint32_t row_put_options(const CommandRow* row, OrderOptions* out) noexcept nogil
# Commands that are neither of orders nor cancels. A row of a type that has no rows becomes a header
# alone, which is malformed.
cdef void row_put_other(const CommandRow* row, CommandHeader* header) noexcept nogil


cdef inline bint _has_options(const CommandRow* row) noexcept nogil:
    cdef uint64_t words[ROW_OPTIONS_WORDS]
    memcpy(words, &row.options, sizeof(words))
    return (words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6]) != 0


cdef inline void _put_header(const CommandRow* row, CommandHeader* header, uint32_t instrument,
                             uint32_t record_bytes) noexcept nogil:
    header.type = row.type
    header.record_bytes = <uint16_t>record_bytes
    header.session = row.session
    header.user_ref = row.user_ref
    header.instrument = instrument


cdef inline void _put_enter(const CommandRow* row, RowRecords* records) noexcept nogil:
    cdef EnterOrder* enter = &records.enter
    cdef uint32_t record_bytes = sizeof(EnterOrder)
    if not iron_likely(not _has_options(row)):
        record_bytes += row_put_options(row, &records.enter_options)
    _put_header(row, &enter.header, row.instrument, record_bytes)
    enter.quantity = row.quantity
    enter.price = row.price
    enter.side = row.side
    enter.time_in_force = row.time_in_force
    enter.display = row.display
    enter.cross_type = row.cross_type


cdef inline void _put_replace(const CommandRow* row, RowRecords* records) noexcept nogil:
    cdef ReplaceOrder* replace = &records.replace
    cdef uint32_t record_bytes = sizeof(ReplaceOrder)
    if not iron_likely(not _has_options(row)):
        record_bytes += row_put_options(row, &records.replace_options)
    _put_header(row, &replace.header, INSTRUMENT_NONE, record_bytes)
    replace.quantity = row.quantity
    replace.price = row.price
    replace.orig_user_ref = row.orig_user_ref
    replace.open_before = 0
    replace.time_in_force = row.time_in_force
    replace.display = row.display


cdef inline void _put_cancel(const CommandRow* row, CancelOrder* cancel) noexcept nogil:
    _put_header(row, &cancel.header, INSTRUMENT_NONE, sizeof(CancelOrder))
    cancel.quantity = row.quantity
    cancel.reason = row.reason


# The record of a row, which is as long as it says; good until the next row's.
cdef inline CommandHeader* row_record(RowRecords* records, const CommandRow* row) noexcept nogil:
    if row.type == COMMAND_ENTER_ORDER:
        _put_enter(row, records)
        return &records.enter.header
    if row.type == COMMAND_REPLACE_ORDER:
        _put_replace(row, records)
        return &records.replace.header
    if row.type == COMMAND_CANCEL_ORDER:
        _put_cancel(row, &records.cancel)
        return &records.cancel.header
    row_put_other(row, &records.other.header)
    return &records.other.header
