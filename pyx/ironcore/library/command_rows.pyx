"""Commands as rows of one fixed layout, and the records that say the same."""

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_static_assert
from ironcore.book.options cimport (
    NAMED_EXPIRE_TIME, NAMED_GROUP, NAMED_MAX_FLOOR, NAMED_MIN_QUANTITY, NAMED_PEG_OFFSET,
    NAMED_POST_ONLY, NAMED_PRICE_TYPE, NAMED_RANDOM_RESERVES, NAMED_RESERVE_SEED,
    NAMED_SELF_TRADE_PREVENTION, NAMED_SIDE, NAMED_STOP_PRICE, NAMED_TRAIL_OFFSET,
    OPTION_EXPIRE_TIME, OPTION_GROUP_ID, OPTION_MAX_FLOOR, OPTION_MIN_QUANTITY, OPTION_PEG_OFFSET,
    OPTION_POST_ONLY, OPTION_PRICE_TYPE, OPTION_RANDOM_RESERVES, OPTION_SIDE,
)
from ironcore.wire.record cimport (
    COMMAND_ACCOUNT_QUERY, COMMAND_CANCEL_SESSION, COMMAND_CLOCK, COMMAND_DISABLE_ORDER_ENTRY,
    COMMAND_ENABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER, COMMAND_MASS_CANCEL, COMMAND_MODIFY_ORDER,
    COMMAND_RETIRE_INSTRUMENT, COMMAND_SET_STATE, COMMAND_SYSTEM_EVENT, INSTRUMENT_NONE,
    OPTION_RESERVE_SEED, OPTION_SELF_TRADE_PREVENTION, OPTION_STOP_PRICE, OPTION_TRAIL_OFFSET,
    AccountQuery, CancelOrder, CancelSession, ClockCommand, CommandHeader, EnterOrder, EntrySwitch,
    MassCancel, ModifyOrder, ReplaceOrder, RetireInstrument, SetState, SystemEventCommand,
)

COMMAND_DTYPE = np.dtype([
    ("type", "u1"), ("side", "u1"), ("time_in_force", "u1"), ("display", "u1"),
    ("cross_type", "u1"), ("reason", "u1"), ("scope", "u1"), ("event_code", "u1"),
    ("session", "<u4"), ("user_ref", "<u4"), ("instrument", "<u4"), ("quantity", "<u4"),
    ("price", "<i4"), ("orig_user_ref", "<u4"), ("named", "<u4"), ("min_quantity", "<u4"),
    ("max_floor", "<u4"), ("random_reserves", "<u4"), ("reserve_seed", "<u8"),
    ("peg_offset", "<i4"), ("expire_second", "<u4"), ("stop_price", "<u4"),
    ("trail_offset", "<u4"), ("group", "<u2"), ("price_type", "u1"), ("post_only", "u1"),
    ("stp_mode", "u1"), ("state", "u1"), ("force", "u1"), ("reserved", "u1"),
    ("state_reason", "S4"), ("second", "<u4"),
])
SCOPES = {"firm": SCOPE_FIRM, "instrument": SCOPE_INSTRUMENT, "side": SCOPE_SIDE,
          "group": SCOPE_GROUP}
NAMES = {
    "min_quantity": NAMED_MIN_QUANTITY, "max_floor": NAMED_MAX_FLOOR,
    "price_type": NAMED_PRICE_TYPE, "peg_offset": NAMED_PEG_OFFSET,
    "post_only": NAMED_POST_ONLY, "random_reserves": NAMED_RANDOM_RESERVES,
    "expire_second": NAMED_EXPIRE_TIME, "group": NAMED_GROUP, "side": NAMED_SIDE,
    "stop_price": NAMED_STOP_PRICE, "trail_offset": NAMED_TRAIL_OFFSET,
    "stp_mode": NAMED_SELF_TRADE_PREVENTION, "reserve_seed": NAMED_RESERVE_SEED,
}

cdef extern from *:
    """
    #define ROW_AT(field, offset) _Static_assert(__builtin_offsetof( \\
        struct __pyx_t_8ironcore_7library_12command_rows_CommandRow, field) == offset, #field)
    #define iron_assert_row_layout() \\
        ROW_AT(session, 8); ROW_AT(named, 32); ROW_AT(reserve_seed, 48); \\
        ROW_AT(group, 72); ROW_AT(stp_mode, 76); ROW_AT(state_reason, 80); ROW_AT(second, 84);
    #define RECORDS_AT(field, offset) _Static_assert(__builtin_offsetof( \\
        struct __pyx_t_8ironcore_7library_12command_rows_RowRecords, field) == offset, #field)
    #define iron_assert_appendages_follow() \\
        RECORDS_AT(enter_appendage, 80); RECORDS_AT(replace, 160); \\
        RECORDS_AT(replace_appendage, 248);
    """
    void iron_assert_row_layout() nogil
    void iron_assert_appendages_follow() nogil


cdef inline uint8_t* _put(uint8_t* at, uint8_t tag, uint32_t value_bytes,
                          uint64_t value) noexcept nogil:
    """One element of an appendage: length, tag, big-endian value."""
    cdef uint32_t index
    at[0] = <uint8_t>(value_bytes + 1)
    at[1] = tag
    for index in range(value_bytes):
        at[2 + index] = <uint8_t>(value >> (8 * (value_bytes - 1 - index)))
    return at + 2 + value_bytes


cdef uint32_t row_put_options(const CommandRow* row, uint8_t side, uint8_t* start) noexcept nogil:
    cdef uint32_t named = row.named
    cdef uint8_t* at = start
    if row.min_quantity or named & NAMED_MIN_QUANTITY:
        at = _put(at, OPTION_MIN_QUANTITY, 4, row.min_quantity)
    if row.max_floor or named & NAMED_MAX_FLOOR:
        at = _put(at, OPTION_MAX_FLOOR, 4, row.max_floor)
    if row.price_type or named & NAMED_PRICE_TYPE:
        at = _put(at, OPTION_PRICE_TYPE, 1, row.price_type)
    if row.peg_offset or named & NAMED_PEG_OFFSET:
        at = _put(at, OPTION_PEG_OFFSET, 4, <uint32_t>row.peg_offset)
    if row.post_only or named & NAMED_POST_ONLY:
        at = _put(at, OPTION_POST_ONLY, 1, row.post_only)
    if row.random_reserves or named & NAMED_RANDOM_RESERVES:
        at = _put(at, OPTION_RANDOM_RESERVES, 4, row.random_reserves)
    if row.expire_second or named & NAMED_EXPIRE_TIME:
        at = _put(at, OPTION_EXPIRE_TIME, 4, row.expire_second)
    if row.group or named & NAMED_GROUP:
        at = _put(at, OPTION_GROUP_ID, 2, row.group)
    if side or named & NAMED_SIDE:
        at = _put(at, OPTION_SIDE, 1, side)
    if row.stop_price or named & NAMED_STOP_PRICE:
        at = _put(at, <uint8_t>OPTION_STOP_PRICE, 8, row.stop_price)
    if row.trail_offset or named & NAMED_TRAIL_OFFSET:
        at = _put(at, <uint8_t>OPTION_TRAIL_OFFSET, 4, row.trail_offset)
    if row.stp_mode or named & NAMED_SELF_TRADE_PREVENTION:
        at = _put(at, <uint8_t>OPTION_SELF_TRADE_PREVENTION, 1, row.stp_mode)
    if row.reserve_seed or named & NAMED_RESERVE_SEED:
        at = _put(at, <uint8_t>OPTION_RESERVE_SEED, 8, row.reserve_seed)
    memset(at, 0, 8)
    return <uint32_t>(at - start)


cdef void _fill_header(CommandHeader* header) noexcept nogil:
    header.flags = 0
    header.time_ns = 0
    header.source_sequence = 0
    header.source = 0
    header.reserved = 0
    header.account = 0


cdef void row_records_prepare(RowRecords* records) noexcept nogil:
    iron_static_assert(sizeof(EnterOrder) == 80)
    iron_static_assert(sizeof(ReplaceOrder) == 88)
    iron_assert_appendages_follow()
    cdef EnterOrder* enter = &records.enter
    cdef ReplaceOrder* replace = &records.replace
    _fill_header(&enter.header)
    enter.capacity = c'P'
    enter.iso = c'N'
    memset(enter.client_order_id, c' ', sizeof(enter.client_order_id))
    memset(enter.reserved, 0, sizeof(enter.reserved))
    _fill_header(&replace.header)
    replace.open_before = 0
    replace.iso = c'N'
    replace.reserved = 0
    memset(replace.client_order_id, c' ', sizeof(replace.client_order_id))
    memset(replace.reserved_end, 0, sizeof(replace.reserved_end))
    memset(&records.cancel, 0, sizeof(CancelOrder))
    memset(records.cancel.client_order_id, c' ', sizeof(records.cancel.client_order_id))
    _fill_header(&records.cancel.header)
    _fill_header(&records.other.header)


cdef void _put_mass_cancel(const CommandRow* row, MassCancel* cancel) noexcept nogil:
    cdef uint8_t scope = row.scope
    cancel.header.record_bytes = sizeof(MassCancel)
    cancel.header.instrument = INSTRUMENT_NONE
    cancel.group = row.group
    cancel.side = row.side
    cancel.reason = row.reason
    cancel.scope = scope & SCOPE_FIRM
    cancel.symbol_given = scope & SCOPE_INSTRUMENT != 0
    cancel.side_given = scope & SCOPE_SIDE != 0
    cancel.group_given = scope & SCOPE_GROUP != 0
    if scope & SCOPE_INSTRUMENT:
        cancel.header.instrument = row.instrument


cdef bint _put_member(const CommandRow* row, CommandHeader* header) noexcept nogil:
    """A member's command; false for one of another type."""
    if row.type == COMMAND_MASS_CANCEL:
        _put_mass_cancel(row, <MassCancel*>header)
        return True
    header.instrument = INSTRUMENT_NONE
    if row.type == COMMAND_MODIFY_ORDER:
        (<ModifyOrder*>header).quantity = row.quantity
        (<ModifyOrder*>header).side = row.side
    elif row.type == COMMAND_CANCEL_SESSION:
        (<CancelSession*>header).reason = row.reason
    elif row.type == COMMAND_ACCOUNT_QUERY:
        header.record_bytes = sizeof(AccountQuery)
    elif row.type != COMMAND_DISABLE_ORDER_ENTRY and row.type != COMMAND_ENABLE_ORDER_ENTRY:
        header.instrument = row.instrument
        return False
    return True


cdef void row_put_other(const CommandRow* row, CommandHeader* header) noexcept nogil:
    cdef uint32_t index
    iron_static_assert(sizeof(MassCancel) == 56)
    iron_static_assert(sizeof(ModifyOrder) == 48)
    iron_static_assert(sizeof(CancelSession) == 48)
    iron_static_assert(sizeof(EntrySwitch) == 48)
    iron_static_assert(sizeof(SetState) == 48)
    iron_static_assert(sizeof(ClockCommand) == 48)
    iron_static_assert(sizeof(RetireInstrument) == 48)
    iron_static_assert(sizeof(SystemEventCommand) == 48)
    memset(<uint8_t*>header + sizeof(CommandHeader), 0, sizeof(MassCancel) - sizeof(CommandHeader))
    _put_header(row, header, row.instrument, sizeof(SetState))
    if row.type > COMMAND_ENTER_ORDER and _put_member(row, header):
        return
    if row.type == COMMAND_SET_STATE:
        (<SetState*>header).state = row.state
        (<SetState*>header).force = row.force
        for index in range(<uint32_t>sizeof(row.state_reason)):
            (<SetState*>header).reason[index] = row.state_reason[index] or c' '
    elif row.type == COMMAND_CLOCK:
        header.instrument = INSTRUMENT_NONE
        (<ClockCommand*>header).second = row.second
    elif row.type == COMMAND_SYSTEM_EVENT:
        (<SystemEventCommand*>header).event_code = row.event_code
    elif row.type != COMMAND_RETIRE_INSTRUMENT:
        header.record_bytes = sizeof(CommandHeader)


def rows_to_records(rows):
    """The records of these rows (COMMAND_DTYPE[n]), one after the other."""
    iron_static_assert(sizeof(CommandRow) == 88)
    iron_assert_row_layout()
    cdef const unsigned char[::1] view
    cdef RowRecords records
    cdef const CommandHeader* header
    cdef Py_ssize_t at
    contiguous = np.ascontiguousarray(rows, COMMAND_DTYPE)
    made = bytearray()
    if len(contiguous) == 0:
        return b""
    view = contiguous.view(np.uint8)
    row_records_prepare(&records)
    for at in range(0, view.shape[0], <Py_ssize_t>sizeof(CommandRow)):
        header = row_record(&records, <const CommandRow*>&view[at])
        made += (<const char*>header)[:header.record_bytes]
    return bytes(made)
