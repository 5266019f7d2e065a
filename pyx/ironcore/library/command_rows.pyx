"""Commands as rows of one fixed layout, and the records that say the same."""

import numpy as np

from ironcore.wire.order_options import OPTIONS, OPTIONS_DTYPE

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from ironcore.base.check cimport iron_static_assert
from ironcore.wire.order_options cimport OPTIONS_BYTES, OrderOptions, options_name
from ironcore.wire.record cimport (
    COMMAND_ACCOUNT_QUERY, COMMAND_CANCEL_SESSION, COMMAND_CLOCK, COMMAND_DISABLE_ORDER_ENTRY,
    COMMAND_ENABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER, COMMAND_MASS_CANCEL, COMMAND_MODIFY_ORDER,
    COMMAND_RETIRE_INSTRUMENT, COMMAND_SET_STATE, COMMAND_SYSTEM_EVENT, INSTRUMENT_NONE,
    AccountQuery, CancelOrder, CancelSession, ClockCommand, CommandHeader, EnterOrder, EntrySwitch,
    MassCancel, ModifyOrder, ReplaceOrder, RetireInstrument, SetState, SystemEventCommand,
)

COMMAND_DTYPE = np.dtype([
    ("type", "u1"), ("side", "u1"), ("time_in_force", "u1"), ("display", "u1"),
    ("cross_type", "u1"), ("reason", "u1"), ("scope", "u1"), ("event_code", "u1"),
    ("session", "<u4"), ("user_ref", "<u4"), ("instrument", "<u4"), ("quantity", "<u4"),
    ("price", "<i4"), ("orig_user_ref", "<u4"),
    *[(name, OPTIONS_DTYPE[name]) for name in OPTIONS_DTYPE.names if name != "reserved"],
    ("reserved_options", OPTIONS_DTYPE["reserved"]),
    ("state_reason", "S4"), ("second", "<u4"), ("state", "u1"), ("force", "u1"),
    ("draw", "<u2"), ("reserved", "V4"),
])
SCOPES = {"firm": SCOPE_FIRM, "instrument": SCOPE_INSTRUMENT, "side": SCOPE_SIDE,
          "group": SCOPE_GROUP}
NAMES = {option.name: option.bit for option in OPTIONS}

cdef extern from *:
    """
    #define ROW_AT(field, offset) _Static_assert(__builtin_offsetof( \\
        struct __pyx_t_8ironcore_7library_12command_rows_CommandRow, field) == offset, #field)
    #define iron_assert_row_layout() \\
        ROW_AT(session, 8); ROW_AT(options, 32); ROW_AT(state_reason, 88); ROW_AT(second, 92); \\
        ROW_AT(state, 96);
    #define RECORDS_AT(field, offset) _Static_assert(__builtin_offsetof( \\
        struct __pyx_t_8ironcore_7library_12command_rows_RowRecords, field) == offset, #field)
    #define iron_assert_options_follow() \\
        RECORDS_AT(enter_options, 80); RECORDS_AT(replace, 136); RECORDS_AT(replace_options, 216);
    """
    void iron_assert_row_layout() nogil
    void iron_assert_options_follow() nogil


cdef uint32_t row_put_options(const CommandRow* row, OrderOptions* out) noexcept nogil:
    iron_static_assert(OPTIONS_BYTES == 8 * ROW_OPTIONS_WORDS)
    out[0] = row.options
    options_name(out)
    return OPTIONS_BYTES


cdef void _fill_header(CommandHeader* header) noexcept nogil:
    header.flags = 0
    header.time_ns = 0
    header.source_sequence = 0
    header.source = 0
    header.reserved = 0
    header.account = 0


cdef void row_records_prepare(RowRecords* records) noexcept nogil:
    iron_static_assert(sizeof(EnterOrder) == 80)
    iron_static_assert(sizeof(ReplaceOrder) == 80)
    iron_assert_options_follow()
    cdef EnterOrder* enter = &records.enter
    cdef ReplaceOrder* replace = &records.replace
    _fill_header(&enter.header)
    enter.capacity = c'P'
    enter.iso = c'N'
    memset(enter.client_order_id, c' ', sizeof(enter.client_order_id))
    memset(enter.reserved, 0, sizeof(enter.reserved))
    memset(enter.reserved_end, 0, sizeof(enter.reserved_end))
    _fill_header(&replace.header)
    replace.iso = c'N'
    replace.reserved = 0
    memset(replace.client_order_id, c' ', sizeof(replace.client_order_id))
    memset(&records.cancel, 0, sizeof(CancelOrder))
    memset(records.cancel.client_order_id, c' ', sizeof(records.cancel.client_order_id))
    _fill_header(&records.cancel.header)
    _fill_header(&records.other.header)


cdef void _put_mass_cancel(const CommandRow* row, MassCancel* cancel) noexcept nogil:
    cdef uint8_t scope = row.scope
    cancel.header.record_bytes = sizeof(MassCancel)
    cancel.header.instrument = INSTRUMENT_NONE
    cancel.group = row.options.group
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
        (<ClockCommand*>header).force = row.force
        (<ClockCommand*>header).draw = row.draw
    elif row.type == COMMAND_SYSTEM_EVENT:
        (<SystemEventCommand*>header).event_code = row.event_code
    elif row.type != COMMAND_RETIRE_INSTRUMENT:
        header.record_bytes = sizeof(CommandHeader)


def rows_to_records(rows):
    """The records of these rows (COMMAND_DTYPE[n]), one after the other."""
    iron_static_assert(sizeof(CommandRow) == 104)
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
