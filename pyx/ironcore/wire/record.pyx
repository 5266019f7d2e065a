"""The project's own records: walked, checked, and shown to Python as dicts and numpy types."""

from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_TOO_LARGE, STATUS_TRUNCATED,
    STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.codec cimport load_u16_le
from ironcore.wire.layout cimport Layout, Protocol
from ironcore.wire.order_options cimport OPTIONS_BYTES, order_options_bytes, order_options_dict

# What the C compiler checks; docs/WIRE.md has the same numbers. A macro, as the structs are defined
# further down in the generated file than this text; the prefix is how Cython names them in C.
cdef extern from *:
    """
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");
    #define RECORD(name) struct __pyx_t_8ironcore_4wire_6record_##name
    // Every type of command: its number, its struct, and the bytes of that without what follows.
    #define FOR_COMMANDS(COMMAND)                                                                 \\
        COMMAND(1, StreamStart, 80) COMMAND(2, DefineInstrument, 104)                             \\
        COMMAND(3, DefineSession, 96) COMMAND(4, SystemEventCommand, 48)                          \\
        COMMAND(5, DefineInstrument, 104) COMMAND(6, RetireInstrument, 48)                        \\
        COMMAND(7, SetState, 48) COMMAND(8, ClockCommand, 48) COMMAND(9, BustTrade, 64)           \\
        COMMAND(10, ContinueCommand, 48) COMMAND(11, SetEnd, 64)                                  \\
        COMMAND(12, DefineTickTable, 240)                                                         \\
        COMMAND(16, EnterOrder, 80) COMMAND(17, ReplaceOrder, 80) COMMAND(18, CancelOrder, 72)    \\
        COMMAND(19, ModifyOrder, 48) COMMAND(20, MassCancel, 56) COMMAND(21, EntrySwitch, 48)     \\
        COMMAND(22, EntrySwitch, 48) COMMAND(23, AccountQuery, 40)                                \\
        COMMAND(24, CancelSession, 48) COMMAND(32, Quote, 64) COMMAND(33, SetProtection, 64)      \\
        COMMAND(34, ResetProtection, 40)
    #define BYTES_OF(type, name, bytes) [type] = bytes,
    static const uint16_t iron_command_bytes[256] = {FOR_COMMANDS(BYTES_OF)};
    #define SIZE(name, bytes) _Static_assert(sizeof(RECORD(name)) == bytes, "size of " #name)
    #define SIZE_OF(type, name, bytes) SIZE(name, bytes);
    #define AT(name, field, offset)                                                               \\
        _Static_assert(__builtin_offsetof(RECORD(name), field) == offset, #name "." #field)
    #define iron_assert_record_layouts()                                                          \\
        FOR_COMMANDS(SIZE_OF) SIZE(CommandHeader, 40); SIZE(TickBand, 8); SIZE(Event, 32);        \\
        SIZE(QuoteEntry, 24);                                                                     \\
        AT(CommandHeader, type, 0); AT(CommandHeader, flags, 1);                                  \\
        AT(CommandHeader, record_bytes, 2); AT(CommandHeader, session, 4);                        \\
        AT(CommandHeader, time_ns, 8); AT(CommandHeader, source_sequence, 16);                    \\
        AT(CommandHeader, user_ref, 24); AT(CommandHeader, instrument, 28);                       \\
        AT(CommandHeader, source, 32); AT(CommandHeader, reserved, 34);                           \\
        AT(CommandHeader, account, 36);                                                           \\
        AT(EnterOrder, header, 0); AT(EnterOrder, quantity, 40); AT(EnterOrder, price, 44);       \\
        AT(EnterOrder, side, 48); AT(EnterOrder, time_in_force, 49);                              \\
        AT(EnterOrder, display, 50); AT(EnterOrder, capacity, 51); AT(EnterOrder, iso, 52);       \\
        AT(EnterOrder, cross_type, 53); AT(EnterOrder, reserved, 54);                             \\
        AT(EnterOrder, client_order_id, 56); AT(EnterOrder, reserved_end, 76);                    \\
        AT(ReplaceOrder, header, 0); AT(ReplaceOrder, quantity, 40);                              \\
        AT(ReplaceOrder, price, 44); AT(ReplaceOrder, orig_user_ref, 48);                         \\
        AT(ReplaceOrder, open_before, 52); AT(ReplaceOrder, time_in_force, 56);                   \\
        AT(ReplaceOrder, display, 57); AT(ReplaceOrder, iso, 58);                                 \\
        AT(ReplaceOrder, reserved, 59); AT(ReplaceOrder, client_order_id, 60);                    \\
        AT(CancelOrder, header, 0); AT(CancelOrder, quantity, 40); AT(CancelOrder, reason, 44);   \\
        AT(CancelOrder, reserved, 45); AT(CancelOrder, client_order_id, 48);                      \\
        AT(CancelOrder, reserved_end, 68);                                                        \\
        AT(ModifyOrder, header, 0); AT(ModifyOrder, quantity, 40); AT(ModifyOrder, side, 44);     \\
        AT(ModifyOrder, reserved, 45);                                                            \\
        AT(MassCancel, header, 0); AT(MassCancel, group, 40); AT(MassCancel, group_given, 42);    \\
        AT(MassCancel, side, 43); AT(MassCancel, side_given, 44);                                 \\
        AT(MassCancel, symbol_given, 45); AT(MassCancel, firm_given, 46);                         \\
        AT(MassCancel, scope, 47); AT(MassCancel, reason, 48); AT(MassCancel, reserved, 49);      \\
        AT(EntrySwitch, header, 0); AT(EntrySwitch, firm_given, 40);                              \\
        AT(EntrySwitch, reserved, 41);                                                            \\
        AT(AccountQuery, header, 0);                                                              \\
        AT(CancelSession, header, 0); AT(CancelSession, reason, 40);                              \\
        AT(CancelSession, reserved, 41);                                                          \\
        AT(QuoteEntry, instrument, 0); AT(QuoteEntry, bid_price, 4);                              \\
        AT(QuoteEntry, bid_quantity, 8); AT(QuoteEntry, ask_price, 12);                           \\
        AT(QuoteEntry, ask_quantity, 16); AT(QuoteEntry, reserved, 20);                           \\
        AT(Quote, header, 0); AT(Quote, entries, 40);                                             \\
        AT(SetProtection, header, 0); AT(SetProtection, volume_max, 40);                          \\
        AT(SetProtection, delta_max, 48); AT(SetProtection, executions_max, 56);                  \\
        AT(SetProtection, window_seconds, 60); AT(ResetProtection, header, 0);                    \\
        AT(StreamStart, header, 0); AT(StreamStart, stream_name, 40);                             \\
        AT(StreamStart, version, 50); AT(StreamStart, instruments_max, 52);                       \\
        AT(StreamStart, midnight_ns, 56); AT(StreamStart, orders_max, 64);                        \\
        AT(StreamStart, sessions_max, 68); AT(StreamStart, user_ref_bits, 72);                    \\
        AT(StreamStart, step_actions_max, 76);                                                    \\
        AT(TickBand, price_from, 0); AT(TickBand, tick_size, 4);                                  \\
        AT(DefineInstrument, header, 0); AT(DefineInstrument, symbol, 40);                        \\
        AT(DefineInstrument, tick_size, 48); AT(DefineInstrument, lot_size, 52);                  \\
        AT(DefineInstrument, price_min, 56); AT(DefineInstrument, price_max, 60);                 \\
        AT(DefineInstrument, quantity_max, 64); AT(DefineInstrument, reference_price, 68);        \\
        AT(DefineInstrument, static_collar_bp, 72); AT(DefineInstrument, dynamic_collar_bp, 74);  \\
        AT(DefineInstrument, auction_collar_bp, 76); AT(DefineInstrument, entry_collar_bp, 78);   \\
        AT(DefineInstrument, market_protection_bp, 80); AT(DefineInstrument, pause_seconds, 82);  \\
        AT(DefineInstrument, post_only_mode, 84); AT(DefineInstrument, initial_state, 85);        \\
        AT(DefineInstrument, auction_extensions_max, 86);                                         \\
        AT(DefineInstrument, allocation, 87);                                                     \\
        AT(DefineInstrument, followers_max, 88); AT(DefineInstrument, min_quantity_max, 90);      \\
        AT(DefineInstrument, price_decimals, 92); AT(DefineInstrument, quantity_decimals, 93);    \\
        AT(DefineInstrument, pause_random_seconds, 94); AT(DefineInstrument, tick_table, 96);     \\
        AT(DefineInstrument, allocation_min, 100);                                                \\
        AT(DefineTickTable, header, 0); AT(DefineTickTable, tick_table, 40);                      \\
        AT(DefineTickTable, bands_count, 44); AT(DefineTickTable, bands, 48);                     \\
        AT(DefineSession, header, 0); AT(DefineSession, username, 40);                            \\
        AT(DefineSession, firm, 56); AT(DefineSession, clearing_firm, 64);                        \\
        AT(DefineSession, cancel_on_disconnect, 72); AT(DefineSession, stp_mode, 73);             \\
        AT(DefineSession, protocol, 74); AT(DefineSession, reserved, 75);                         \\
        AT(DefineSession, stp_group, 76); AT(DefineSession, reserved_money, 80);                  \\
        AT(SystemEventCommand, header, 0); AT(SystemEventCommand, event_code, 40);                \\
        AT(SystemEventCommand, reserved, 41);                                                     \\
        AT(RetireInstrument, header, 0); AT(RetireInstrument, reserved, 40);                      \\
        AT(SetState, header, 0); AT(SetState, state, 40); AT(SetState, force, 41);                \\
        AT(SetState, reserved, 42); AT(SetState, reason, 44);                                     \\
        AT(ClockCommand, header, 0); AT(ClockCommand, second, 40);                                \\
        AT(ClockCommand, force, 44); AT(ClockCommand, draw, 46);                                  \\
        AT(BustTrade, header, 0); AT(BustTrade, match_number, 40); AT(BustTrade, slots, 48);      \\
        AT(BustTrade, reason, 56); AT(BustTrade, reserved, 57);                                   \\
        AT(ContinueCommand, header, 0); AT(ContinueCommand, continued, 40);                       \\
        AT(ContinueCommand, firm_given, 41); AT(ContinueCommand, symbol_given, 42);               \\
        AT(ContinueCommand, reserved, 43);                                                        \\
        AT(SetEnd, header, 0); AT(SetEnd, second_first, 40); AT(SetEnd, second_last, 44);         \\
        AT(SetEnd, no_cancel_seconds, 48); AT(SetEnd, extension_seconds, 52);                     \\
        AT(SetEnd, state, 56); AT(SetEnd, force, 57); AT(SetEnd, reserved, 58);                   \\
        AT(SetEnd, reason, 60);                                                                   \\
        AT(Event, type, 0); AT(Event, flags, 1); AT(Event, reason, 2); AT(Event, side, 3);        \\
        AT(Event, quantity, 4); AT(Event, order_ref, 8); AT(Event, other, 16);                    \\
        AT(Event, price, 24); AT(Event, slot, 28);
    """
    const uint16_t iron_command_bytes[256]
    void iron_assert_record_layouts() nogil

# Read by bytes, as a frame from a file or a socket may lie at any address.
cdef enum:
    _RECORD_BYTES_AT = 2

# Of 8 bytes, in COMMAND_BYTES_MAX.
cdef enum:
    _COMMAND_WORDS_MAX = 64


cdef void _assert_layouts() noexcept nogil:
    """Never called: it is there to be compiled."""
    iron_assert_record_layouts()


cdef bint record_is_event(uint8_t record_type) noexcept nogil:
    return record_type >= EVENT_ACCEPTED


cdef size_t record_command_bytes(uint8_t command_type) noexcept nogil:
    return iron_command_bytes[command_type]


cdef inline bint _may_have_options(uint8_t command_type) noexcept nogil:
    return command_type == COMMAND_ENTER_ORDER or command_type == COMMAND_REPLACE_ORDER


cdef inline bint _is_quotes(size_t record_bytes) noexcept nogil:
    return ((record_bytes - sizeof(CommandHeader)) % sizeof(QuoteEntry) == 0
            and record_bytes <= sizeof(CommandHeader) + QUOTE_ENTRIES_MAX * sizeof(QuoteEntry))


cdef Status record_check_command(const uint8_t* command, size_t bytes) noexcept nogil:
    cdef size_t fixed_bytes, record_bytes
    if bytes < COMMAND_HEADER_BYTES:
        return STATUS_TRUNCATED
    record_bytes = load_u16_le(command + _RECORD_BYTES_AT)
    if record_bytes > COMMAND_BYTES_MAX:
        return STATUS_TOO_LARGE
    fixed_bytes = record_command_bytes(command[0])
    if fixed_bytes == 0:
        return STATUS_UNKNOWN_TYPE
    if record_bytes < fixed_bytes:
        return STATUS_MALFORMED
    if record_bytes > bytes:
        return STATUS_TRUNCATED
    if record_bytes < bytes:
        return STATUS_MALFORMED
    if command[0] == COMMAND_QUOTE:
        return STATUS_OK if _is_quotes(record_bytes) else STATUS_MALFORMED
    if record_bytes == fixed_bytes or (
            _may_have_options(command[0]) and record_bytes == fixed_bytes + OPTIONS_BYTES):
        return STATUS_OK
    return STATUS_MALFORMED


cdef Status record_next(const uint8_t* frame, size_t bytes, size_t* offset,
                        RecordView* out) noexcept nogil:
    cdef size_t at = offset[0]
    cdef uint16_t record_bytes = EVENT_BYTES
    cdef Status status
    if at >= bytes:
        return STATUS_EMPTY
    if record_is_event(frame[at]):
        if not record_is_known_event(frame[at]):
            return STATUS_UNKNOWN_TYPE
        if bytes - at < EVENT_BYTES:
            return STATUS_TRUNCATED
    else:
        if bytes - at < COMMAND_HEADER_BYTES:
            return STATUS_TRUNCATED
        record_bytes = load_u16_le(frame + at + _RECORD_BYTES_AT)
        status = record_check_command(
            frame + at, record_bytes if record_bytes <= bytes - at else bytes - at)
        if status != STATUS_OK:
            return status
    out.type = frame[at]
    out.flags = frame[at + 1]
    out.bytes = record_bytes
    out.data = frame + at
    offset[0] = at + record_bytes
    return STATUS_OK


cdef Status record_check_frame(const uint8_t* frame, size_t bytes) noexcept nogil:
    cdef RecordView record
    cdef size_t offset = 0
    cdef bint last = False
    cdef Status status
    if bytes == 0:
        return STATUS_MALFORMED
    if bytes > FRAME_PAYLOAD_BYTES_MAX:
        return STATUS_TOO_LARGE
    while True:
        status = record_next(frame, bytes, &offset, &record)
        if status == STATUS_EMPTY:
            return STATUS_OK
        if status != STATUS_OK:
            return status
        if last or (record.data != frame and not record_is_event(record.type)):
            return STATUS_MALFORMED
        last = record.flags & RECORD_LAST


cdef str _HEADER = (
    "type:u1 flags:u1 record_bytes:u2 session:u4 time_ns:u8 source_sequence:u8 user_ref:u4 "
    "instrument:u4 source:u2 reserved_header:x2 account:u4")

cdef str _INSTRUMENT = (
    "symbol:a8 tick_size:u4 lot_size:u4 price_min:i4 price_max:i4 quantity_max:u4 "
    "reference_price:i4 static_collar_bp:u2 dynamic_collar_bp:u2 auction_collar_bp:u2 "
    "entry_collar_bp:u2 market_protection_bp:u2 pause_seconds:u2 post_only_mode:u1 "
    "initial_state:o auction_extensions_max:u1 allocation:u1 followers_max:u2 "
    "min_quantity_max:u2 price_decimals:u1 quantity_decimals:u1 pause_random_seconds:u2 "
    "tick_table:u4 allocation_min:u4")

cdef str _BANDS = " ".join([
    f"price_from_{band}:i4 tick_size_{band}:u4" for band in range(1, TICK_BANDS_MAX + 1)])

# "@" stands for the header, "%" for the terms of an instrument, "&" for the bands of a table.
cdef Protocol _commands = Protocol("record", """
0x01 StreamStart 80 @ stream_name:a10 version:u2 instruments_max:u4 midnight_ns:u8 orders_max:u4
    sessions_max:u4 user_ref_bits:u4 step_actions_max:u4
0x02 DefineInstrument 104 @ %
0x03 DefineSession 96 @ username:a16 firm:a8 clearing_firm:a8 cancel_on_disconnect:u1 stp_mode:o
    protocol:u1 reserved:x1 stp_group:u4 reserved_money:x16
0x04 SystemEvent 48 @ event_code:o reserved:x7
0x05 ChangeInstrument 104 @ %
0x06 RetireInstrument 48 @ reserved:x8
0x07 SetState 48 @ state:o force:u1 reserved:x2 reason:a4
0x08 Clock 48 @ second:u4 force:u2 draw:u2
0x09 BustTrade 64 @ match_number:u8 slot_1:u4 slot_2:u4 reason:o reserved:x7
0x0a Continue 48 @ continued:u1 firm_given:u1 symbol_given:u1 reserved:x5
0x0b SetEnd 64 @ second_first:u4 second_last:u4 no_cancel_seconds:u4 extension_seconds:u4 state:o
    force:u1 reserved:x2 reason:a4
0x0c DefineTickTable 240 @ tick_table:u4 bands_count:u4 &
0x10 EnterOrder 80 @ quantity:u4 price:i4 side:o time_in_force:o display:o capacity:o iso:o
    cross_type:o reserved:x2 client_order_id:a20 reserved_end:x4
0x11 ReplaceOrder 80 @ quantity:u4 price:i4 orig_user_ref:u4 open_before:u4 time_in_force:o
    display:o iso:o reserved:x1 client_order_id:a20
0x12 CancelOrder 72 @ quantity:u4 reason:o reserved:x3 client_order_id:a20 reserved_end:x4
0x13 ModifyOrder 48 @ quantity:u4 side:o reserved:x3
0x14 MassCancel 56 @ group:u2 group_given:u1 side:o side_given:u1 symbol_given:u1 firm_given:u1
    scope:u1 reason:o reserved:x7
0x15 DisableOrderEntry 48 @ firm_given:u1 reserved:x7
0x16 EnableOrderEntry 48 @ firm_given:u1 reserved:x7
0x17 AccountQuery 40 @
0x18 CancelSession 48 @ reason:o reserved:x7
0x20 Quote 64 @ instrument_1:u4 bid_price:i4 bid_quantity:u4 ask_price:i4 ask_quantity:u4
    reserved:x4
0x21 SetProtection 64 @ volume_max:u8 delta_max:u8 executions_max:u4 window_seconds:u4
0x22 ResetProtection 40 @
""".replace("@", _HEADER).replace("%", _INSTRUMENT).replace("&", _BANDS), (
    sizeof(StreamStart),
    sizeof(DefineInstrument),
    sizeof(DefineSession),
    sizeof(SystemEventCommand),
    sizeof(DefineInstrument),
    sizeof(RetireInstrument),
    sizeof(SetState),
    sizeof(ClockCommand),
    sizeof(BustTrade),
    sizeof(ContinueCommand),
    sizeof(SetEnd),
    sizeof(DefineTickTable),
    sizeof(EnterOrder),
    sizeof(ReplaceOrder),
    sizeof(CancelOrder),
    sizeof(ModifyOrder),
    sizeof(MassCancel),
    sizeof(EntrySwitch),
    sizeof(EntrySwitch),
    sizeof(AccountQuery),
    sizeof(CancelSession),
    sizeof(Quote),
    sizeof(SetProtection),
    sizeof(ResetProtection),
))

cdef tuple _EVENTS = (
    "Accepted", "Rejected", "Executed", "Canceled", "Replaced", "Added", "Modified",
    "MassCancelResponse", "OrderEntryDisabled", "OrderEntryEnabled", "AccountQueryResponse",
    "InstrumentDefined", "SessionDefined", "System", "Replenished", "Reduced", "Activated",
    "Crossed", "Cross", "Indicative", "StateChanged", "Collars", "Broken", "InstrumentChanged",
    "InstrumentRetired", "InstrumentNext", "EndSet", "CancelRejected",
)

cdef tuple _QUOTE_EVENTS = (
    "Quoted", "QuoteRejected", "ProtectionSet", "ProtectionReached", "ProtectionReset",
)

cdef dict _EVENT_NAMES = {EVENT_ACCEPTED + i: event for i, event in enumerate(_EVENTS)}
_EVENT_NAMES |= {EVENT_QUOTED + i: event for i, event in enumerate(_QUOTE_EVENTS)}

cdef Protocol _events = Protocol("record", "\n".join([
    f"{number} {event} 32 type:u1 flags:u1 reason:o side:o quantity:u4 order_ref:u8 "
    "other:u8 price:i4 slot:u4" for number, event in _EVENT_NAMES.items()
]), len(_EVENT_NAMES) * (sizeof(Event),))

cdef tuple _FLAGS = ((RECORD_LAST, "last"), (EVENT_VISIBLE, "visible"),
                     (EVENT_AGGRESSOR_SELL, "aggressor_sell"), (EVENT_CROSSES, "crosses"),
                     (EVENT_SELL, "sell"), (EVENT_ATTRIBUTED, "attributed"),
                     (EVENT_AT_CLOSE, "at_close"))


cdef tuple _ENTRY_FIELDS = ("instrument_1", "bid_price", "bid_quantity", "ask_price",
                            "ask_quantity")


cdef list _entries(const uint8_t* record, size_t record_bytes):
    """Those of a QUOTE, as dicts."""
    cdef QuoteEntry entry
    cdef size_t at
    out = []
    for at in range(sizeof(CommandHeader), record_bytes, sizeof(QuoteEntry)):
        memcpy(&entry, record + at, sizeof(QuoteEntry))
        out.append({
            "instrument": entry.instrument, "bid_price": entry.bid_price,
            "bid_quantity": entry.bid_quantity, "ask_price": entry.ask_price,
            "ask_quantity": entry.ask_quantity,
        })
    return out


cdef bytes _entries_bytes(entries):
    cdef QuoteEntry entry
    cdef bytes out = b""
    if not 0 < len(entries) <= QUOTE_ENTRIES_MAX:
        raise ValueError(f"entries: found {len(entries)}, expected 1 to {QUOTE_ENTRIES_MAX}")
    for fields in entries:
        entry.instrument = fields.get("instrument", 0)
        entry.bid_price = fields.get("bid_price", 0)
        entry.bid_quantity = fields.get("bid_quantity", 0)
        entry.ask_price = fields.get("ask_price", 0)
        entry.ask_quantity = fields.get("ask_quantity", 0)
        entry.reserved = 0
        out += (<const char*>&entry)[:sizeof(QuoteEntry)]
    return out


cdef dict _load(const RecordView* record):
    cdef bint is_event = record_is_event(record.type)
    cdef Layout layout = (_events if is_event else _commands).by_type[record.type]
    # Behind a copy that is aligned as the struct is.
    cdef uint64_t[_COMMAND_WORDS_MAX] aligned
    memcpy(aligned, record.data, record.bytes)
    cdef dict out = layout.load(<const uint8_t*>aligned)
    del out["type"]
    out["flags"] = [name for bit, name in _FLAGS if record.flags & bit]
    if not is_event:
        del out["record_bytes"]
    if record.type == COMMAND_QUOTE:
        for name in _ENTRY_FIELDS:
            del out[name]
        out["entries"] = _entries(record.data, record.bytes)
    if _may_have_options(record.type):
        out["options"] = {}
        if record.bytes > layout.wire_bytes:
            out["options"] = order_options_dict(<const uint8_t*>aligned + layout.wire_bytes)
    return out


def decode_frame(const uint8_t[::1] data not None):
    """The records of one frame as dicts: each one's `kind`, its flags by name and its fields."""
    cdef size_t bytes = <size_t>data.shape[0]
    cdef const uint8_t* frame = &data[0] if bytes else NULL
    cdef size_t offset = 0
    cdef RecordView record
    cdef Status status
    cdef list out = []
    while True:
        status = record_next(frame, bytes, &offset, &record)
        if status == STATUS_EMPTY:
            return out
        if status != STATUS_OK:
            why = {STATUS_TRUNCATED: "a record that reaches over the end",
                   STATUS_UNKNOWN_TYPE: f"type {frame[offset]}"}.get(status, "another size")
            raise ValueError(f"record {len(out) + 1} at offset {offset}: found {why}, expected a "
                             "whole record of a known type and of that type's size")
        out.append(_load(&record))


def check_frame(const uint8_t[::1] data not None):
    """Whether data is a sound frame of the event stream."""
    cdef size_t bytes = <size_t>data.shape[0]
    return record_check_frame(&data[0] if bytes else NULL, bytes) == STATUS_OK


def encode(str kind not None, **fields):
    """The record of this kind with these fields, as bytes; what is not named is 0 or empty."""
    cdef Layout layout = _events.by_kind.get(kind) or _commands.layout_of_kind(kind)
    cdef uint64_t[_COMMAND_WORDS_MAX] aligned
    cdef bytes behind = b""
    cdef size_t behind_at = layout.wire_bytes
    values = dict.fromkeys(layout.names, 0)
    values.update({name: "" for name in layout.names if layout.is_text(name)})
    if _may_have_options(layout.type) and (given := fields.pop("options", {})):
        behind = order_options_bytes(layout, given)
    if layout.type == COMMAND_QUOTE:
        behind_at = sizeof(CommandHeader)
        behind = _entries_bytes(fields.pop("entries", [{}]))
    flags = fields.pop("flags", ())
    for name in flags:
        if name not in dict(_FLAGS).values():
            raise layout.error("flags", repr(name), "names of flags")
    values.update(fields)
    values["type"] = layout.type
    values["flags"] = sum([bit for bit, name in _FLAGS if name in flags])
    if "record_bytes" in values:
        values["record_bytes"] = behind_at + <size_t>len(behind)
    memset(aligned, 0, sizeof(aligned))
    layout.store(values, <uint8_t*>aligned)
    memcpy(<uint8_t*>aligned + behind_at, <const char*>behind, len(behind))
    return (<char*>aligned)[:behind_at + <size_t>len(behind)]


def dtypes():
    """Each kind of record as a numpy type: what is in it at the offset where it is."""
    cdef Layout layout
    cdef dict out = {}
    for layout in [*_commands.by_kind.values(), *_events.by_kind.values()]:
        out[layout.kind] = layout.dtype()
    return out
