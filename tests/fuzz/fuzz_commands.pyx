"""Compact commands: one byte for kind, session and instrument, then what the kind asks for.

Where the input ends within a command, its other bytes are 0.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t
from fuzz_definitions cimport define_instrument, define_session, define_tick_table
from fuzz_source cimport source_begin, source_byte, source_end, source_record

from ironcore.book.book cimport Book
from ironcore.book.price_grid cimport grid_price, grid_tick
from ironcore.wire.order_options cimport (
    NAMED_ALL, NAMED_EXPIRE_TIME, NAMED_GROUP, NAMED_STOP_PRICE, NAMED_TRAIL_OFFSET, OPTIONS_BYTES,
    OrderOptions, options_name,
)
from ironcore.wire.record cimport (
    COMMAND_ACCOUNT_QUERY, COMMAND_BUST_TRADE, COMMAND_CANCEL_ORDER, COMMAND_CANCEL_SESSION,
    COMMAND_CHANGE_INSTRUMENT, COMMAND_CLOCK, COMMAND_CONTINUE, COMMAND_DEFINE_INSTRUMENT,
    COMMAND_DISABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER, COMMAND_MASS_CANCEL, COMMAND_MODIFY_ORDER,
    COMMAND_QUOTE, COMMAND_REPLACE_ORDER, COMMAND_RESET_PROTECTION, COMMAND_RETIRE_INSTRUMENT,
    COMMAND_SET_END, COMMAND_SET_PROTECTION, COMMAND_SET_STATE, COMMAND_STREAM_START,
    COMMAND_SYSTEM_EVENT, PRICE_MARKET, PRICE_MARKET_CROSS, RECORD_VERSION, AccountQuery, BustTrade,
    CancelOrder, CancelSession, ClockCommand, CommandHeader, ContinueCommand, EnterOrder,
    EntrySwitch, MassCancel, ModifyOrder, Quote, QuoteEntry, ReplaceOrder, ResetProtection, SetEnd,
    SetProtection, SetState, StreamStart, SystemEventCommand,
)

# What an order asks for besides its price: by kind, or by a byte of its own.
cdef enum Wants:
    WANTS_MIN_QUANTITY = 1
    WANTS_ICEBERG = 2
    WANTS_RANDOM = 4
    WANTS_PEG = 8
    WANTS_POST_ONLY = 16
    WANTS_STOP = 32
    WANTS_TRAIL = 64
    WANTS_OTHERS = 128               # prevention, group, pair, side, any option named

cdef extern from *:
    """
    static const char fuzz_states[] = "TTBOHPQLCX";
    static const char fuzz_stp_modes[] = "NOBD-";
    static const char fuzz_times[] = "0013460z";
    static const char fuzz_sides[] = "BSBSTEBS";
    """
    const uint8_t* fuzz_states
    const uint8_t* fuzz_stp_modes
    const uint8_t* fuzz_times
    const uint8_t* fuzz_sides


cdef void source_open(Source* source, const Engine* engine, uint32_t step_actions_max,
                      const uint8_t* data, size_t bytes) noexcept nogil:
    cdef uint32_t session
    source.step_actions_max = step_actions_max
    source.at = data
    source.end = data + bytes
    source.engine = engine
    source.second = 0
    for session in range(5):
        source.user_ref_next[session] = 1


cdef inline uint32_t _word(Source* source) noexcept nogil:
    cdef uint32_t word = source_byte(source)
    word |= source_byte(source) << 8
    word |= source_byte(source) << 16
    return word | source_byte(source) << 24


cdef uint32_t _middle_tick(const Book* book) noexcept nogil:
    """Of the range, or where 64 ticks around it lie on both sides of a change of tick size."""
    cdef uint32_t tick = 0
    if book.grid.bands_count > 1:
        grid_tick(&book.grid, 10000, &tick)
        return tick
    return min(book.grid.ticks_count // 2, <uint32_t>10000)


cdef int32_t _price(Source* source, uint32_t instrument) noexcept nogil:
    """Mostly within 32 ticks of the middle."""
    cdef uint32_t code = source_byte(source)
    cdef int64_t tick = <int8_t>code >> 2
    cdef const Book* book = &source.engine.books[instrument]
    if code == 0x80:
        return PRICE_MARKET
    if code == 0x84:
        return PRICE_MARKET_CROSS
    if code == 0x88:
        return <int32_t>_word(source)
    if instrument >= source.engine.books_count:
        return <int32_t>(100 * code)
    if code == 0x8C:
        return book.grid.lowest_price - <int32_t>(source_byte(source) & 1)
    if code == 0x90:
        return book.grid.highest_price + <int32_t>(source_byte(source) & 1)
    if code & 3 == 3:
        tick *= 50
    tick += _middle_tick(book)
    tick = min(max(tick, 0), <int64_t>book.grid.ticks_count - 1)
    return grid_price(&book.grid, <uint32_t>tick)


cdef uint32_t _quantity(Source* source, uint32_t instrument) noexcept nogil:
    """Mostly 1 to 64 lots."""
    cdef uint32_t code = source_byte(source)
    cdef uint32_t lot_size = 1
    cdef uint32_t most = 0xFFFFFFFF
    if instrument < source.engine.books_count:
        lot_size = source.engine.books[instrument].limits.lot_size
    if code < 0xE0:
        return ((code & 63) + 1) * lot_size
    if code < 0xF0:
        return (code & 15) * 1000 * lot_size
    if code == 0xF0:
        return _word(source)
    if code == 0xF1:
        return most - most % lot_size
    return code & 15


cdef uint32_t _known_user_ref(Source* source, uint32_t session) noexcept nogil:
    """Of one of the session's last 64 orders."""
    cdef uint32_t code = source_byte(source)
    if code == 0xFF:
        return _word(source)
    return source.user_ref_next[session] - 1 - (code & 63)


cdef uint32_t _new_user_ref(Source* source, uint32_t session, uint32_t code) noexcept nogil:
    """The next one; sometimes one that was used, a gap, or more than there is room for."""
    if code == 0xFF:
        return _word(source)
    if code == 0xFE:
        source.user_ref_next[session] += 64
    elif code == 0xFD:
        return source.user_ref_next[session] - 1
    source.user_ref_next[session] += 1
    return source.user_ref_next[session] - 1


cdef void _other_options(Source* source, OrderOptions* out, uint32_t session) noexcept nogil:
    cdef uint32_t code = source_byte(source)
    if code & 1:
        out.stp_mode = fuzz_stp_modes[(code >> 2) % 5]
    if code & 2:
        out.group = <uint16_t>(code >> 6)
        out.named |= NAMED_GROUP
    if code & 16:
        out.oco_ref = _known_user_ref(source, session)
    if code & 32:
        out.new_side = fuzz_sides[code >> 2 & 7]
    if code == 0xC0:                 # any of them, and seldom one that there is not
        out.named |= _word(source) & (0x1FFFF if source_byte(source) == 0 else NAMED_ALL)


cdef void _options(Source* source, OrderOptions* out, const CommandHeader* header,
                   uint32_t instrument, uint32_t wants, bint expires) noexcept nogil:
    cdef uint32_t code
    if wants & WANTS_MIN_QUANTITY:
        out.min_quantity = _quantity(source, instrument)
    if wants & WANTS_ICEBERG:
        out.max_floor = _quantity(source, instrument)
    if wants & WANTS_RANDOM:
        out.random_reserves = _quantity(source, instrument)
        out.reserve_seed = _word(source)
    if wants & WANTS_PEG:
        code = source_byte(source)
        out.price_type = b"PRMLKPRI"[code & 7]
        if code & 8:
            out.peg_offset = (<int8_t>code >> 3) * 100
    if wants & WANTS_POST_ONLY:
        out.post_only = b'P'
    if wants & WANTS_STOP:
        out.stop_price = _price(source, instrument)
        out.named |= NAMED_STOP_PRICE
    if wants & WANTS_TRAIL:
        out.trail_offset = 50 * source_byte(source)
        out.named |= NAMED_TRAIL_OFFSET
    if expires:
        out.expire_second = source.second + source_byte(source) - 1
        out.named |= NAMED_EXPIRE_TIME
    if wants & WANTS_OTHERS:
        _other_options(source, out, header.session)
    options_name(out)


cdef uint32_t _wants(Source* source, uint32_t kind) noexcept nogil:
    """By the kind of a new order; half of them are plain."""
    if kind < 6:
        return 0
    if kind < 8:
        return WANTS_ICEBERG
    if kind == 8:
        return WANTS_ICEBERG | WANTS_RANDOM
    if kind == 9:
        return WANTS_POST_ONLY
    if kind == 10:
        return WANTS_STOP
    if kind == 11:
        return WANTS_TRAIL
    if kind < 14:
        return WANTS_PEG
    if kind == 14:
        return WANTS_MIN_QUANTITY
    return source_byte(source)


cdef uint8_t _display(uint32_t style, uint32_t wants) noexcept nogil:
    """Pegs are hidden, as is most of what wants a minimum quantity."""
    if wants & WANTS_PEG or (wants & WANTS_MIN_QUANTITY and style & 16):
        return b'N'
    return b"YYANYYYN"[style >> 3 & 7]


cdef uint32_t _enter(Source* source, uint32_t kind, uint32_t session,
                     uint32_t instrument) noexcept nogil:
    cdef EnterOrder* command = <EnterOrder*>source_begin(
        source, COMMAND_ENTER_ORDER, sizeof(EnterOrder))
    cdef uint32_t wants = _wants(source, kind)
    cdef uint32_t style = source_byte(source)
    cdef uint32_t time
    command.header.session = session
    command.header.instrument = instrument
    command.side = fuzz_sides[style & 7 if style & 0x80 else style & 1]
    command.display = _display(style, wants)
    command.cross_type = b'N'
    command.time_in_force = b'0'
    command.price = _price(source, instrument)
    command.quantity = _quantity(source, instrument)
    command.header.user_ref = _new_user_ref(source, session, 0)
    if style & 0x40:
        # An unusual time in force, cross type, self-trade prevention or number.
        time = source_byte(source)
        command.time_in_force = fuzz_times[time & 7]
        command.cross_type = b"NNNNNOCH"[time >> 3 & 7]
        if time & 0x40:
            wants |= WANTS_OTHERS
        if time & 0x80:
            source.user_ref_next[session] -= 1
            command.header.user_ref = _new_user_ref(source, session, source_byte(source))
    if wants or command.time_in_force == b'6':
        _options(source, <OrderOptions*>(command + 1), &command.header, instrument, wants,
                 command.time_in_force == b'6')
        command.header.record_bytes += OPTIONS_BYTES
    return source_end(source)


cdef uint32_t _replace(Source* source, uint32_t session, uint32_t instrument) noexcept nogil:
    cdef ReplaceOrder* command = <ReplaceOrder*>source_begin(
        source, COMMAND_REPLACE_ORDER, sizeof(ReplaceOrder))
    cdef uint32_t style = source_byte(source)
    cdef uint32_t wants = source_byte(source) if style & 0x40 else 0
    command.header.session = session
    command.orig_user_ref = _known_user_ref(source, session)
    command.header.user_ref = _new_user_ref(
        source, session, source_byte(source) if style & 0x80 else 0)
    command.price = _price(source, instrument)
    command.quantity = _quantity(source, instrument)
    command.time_in_force = fuzz_times[style & 7]
    command.display = _display(style, wants)
    if wants or command.time_in_force == b'6':
        _options(source, <OrderOptions*>(command + 1), &command.header, instrument, wants,
                 command.time_in_force == b'6')
        command.header.record_bytes += OPTIONS_BYTES
    return source_end(source)


cdef uint32_t _cancel(Source* source, uint32_t session, uint32_t instrument) noexcept nogil:
    cdef CancelOrder* command = <CancelOrder*>source_begin(
        source, COMMAND_CANCEL_ORDER, sizeof(CancelOrder))
    command.header.session = session
    command.header.user_ref = _known_user_ref(source, session)
    if source_byte(source) & 0x18:
        command.quantity = _quantity(source, instrument)
    return source_end(source)


cdef uint32_t _modify(Source* source, uint32_t session, uint32_t instrument) noexcept nogil:
    cdef ModifyOrder* command = <ModifyOrder*>source_begin(
        source, COMMAND_MODIFY_ORDER, sizeof(ModifyOrder))
    command.header.session = session
    command.header.user_ref = _known_user_ref(source, session)
    command.side = fuzz_sides[source_byte(source) & 7]
    command.quantity = _quantity(source, instrument)
    return source_end(source)


cdef uint32_t _mass_cancel(Source* source, uint32_t session, uint32_t instrument) noexcept nogil:
    cdef MassCancel* command = <MassCancel*>source_begin(
        source, COMMAND_MASS_CANCEL, sizeof(MassCancel))
    cdef uint32_t style = source_byte(source)
    command.header.session = session
    command.header.instrument = instrument
    command.symbol_given = style & 1
    command.side_given = style >> 1 & 1
    command.side = b"BS"[style >> 2 & 1]
    command.group_given = style >> 3 & 1
    command.group = style >> 4 & 3
    command.scope = style >> 6 & 1
    return source_end(source)


cdef uint32_t _of_session(Source* source, uint8_t type, uint32_t session) noexcept nogil:
    """Entry switches, account queries and cancels of sessions."""
    cdef uint32_t record_bytes = sizeof(EntrySwitch)
    cdef CommandHeader* header
    if type == COMMAND_ACCOUNT_QUERY:
        record_bytes = sizeof(AccountQuery)
    elif type == COMMAND_CANCEL_SESSION:
        record_bytes = sizeof(CancelSession)
    header = <CommandHeader*>source_begin(source, type, record_bytes)
    header.session = session
    return source_end(source)


cdef uint32_t source_opening(Source* source, uint32_t index) noexcept nogil:
    cdef StreamStart* command
    if index == 0:
        command = <StreamStart*>source_begin(source, COMMAND_STREAM_START, sizeof(StreamStart))
        command.version = RECORD_VERSION
        command.instruments_max = source.engine.limits.instruments_max
        command.orders_max = source.engine.limits.orders_max
        command.sessions_max = source.engine.limits.sessions_max
        command.user_ref_bits = source.engine.limits.user_ref_bits
        command.step_actions_max = source.step_actions_max
        return source_end(source)
    if index == 1:
        return define_tick_table(source, 1, 0)
    if index <= 1 + FUZZ_INSTRUMENTS:
        return define_instrument(source, COMMAND_DEFINE_INSTRUMENT, index - 2)
    if index <= 1 + FUZZ_INSTRUMENTS + FUZZ_SESSIONS:
        return define_session(source, index - 1 - FUZZ_INSTRUMENTS)
    return 0


cdef uint32_t _set_end(Source* source, uint32_t instrument, uint32_t code) noexcept nogil:
    """Soon, and mostly right."""
    cdef SetEnd* command = <SetEnd*>source_begin(source, COMMAND_SET_END, sizeof(SetEnd))
    command.header.instrument = instrument
    command.second_first = source.second + (code & 7)
    code = source_byte(source)
    command.second_last = command.second_first + (code & 7) - (code >> 7)
    command.no_cancel_seconds = code >> 3 & 7
    command.extension_seconds = code >> 6 & 1
    command.state = fuzz_states[source_byte(source) % 10]
    return source_end(source)


cdef uint32_t _set_state(Source* source, uint32_t instrument) noexcept nogil:
    cdef uint32_t code = source_byte(source)
    cdef SetState* command
    if code & 0x60 == 0x60:
        return _set_end(source, instrument, code)
    command = <SetState*>source_begin(source, COMMAND_SET_STATE, sizeof(SetState))
    command.header.instrument = instrument
    command.state = fuzz_states[(code & 15) % 10]
    command.force = <uint8_t>(code >> 7)
    return source_end(source)


cdef uint32_t _clock(Source* source) noexcept nogil:
    """Some seconds later, or much later, or earlier."""
    cdef ClockCommand* command = <ClockCommand*>source_begin(
        source, COMMAND_CLOCK, sizeof(ClockCommand))
    cdef uint32_t code = source_byte(source)
    if code < 0xF0:
        source.second += code >> 2
    elif code == 0xFF:
        source.second = _word(source)
    else:
        source.second += (code & 15) * 3600
    command.second = source.second
    command.draw = <uint16_t>(code * 0x101)
    return source_end(source)


cdef uint32_t _quote(Source* source, uint32_t session, uint32_t instrument,
                     uint32_t code) noexcept nogil:
    """Of one to four entries, the first of the instrument, seldom one of none."""
    cdef uint32_t count = 1 + (code & 3)
    cdef Quote* command = <Quote*>source_begin(source, COMMAND_QUOTE,
                                         sizeof(CommandHeader) + count * sizeof(QuoteEntry))
    cdef QuoteEntry* entry
    cdef uint32_t index
    command.header.session = session
    for index in range(count):
        entry = &command.entries[0] + index
        entry.instrument = instrument
        entry.bid_price = _price(source, instrument)
        entry.ask_price = max(entry.bid_price, _price(source, instrument))
        entry.bid_quantity = _quantity(source, instrument)
        entry.ask_quantity = _quantity(source, instrument)
        instrument = (instrument + 1) % (FUZZ_INSTRUMENTS + (code & 4 != 0))
    command.header.user_ref = _new_user_ref(source, session, 0)
    source.user_ref_next[session] += 2 * count - 1
    return source_end(source)


cdef uint32_t _protection(Source* source, uint32_t session, uint32_t instrument,
                          uint32_t code) noexcept nogil:
    cdef bint resets = code & 1
    cdef SetProtection* command = <SetProtection*>source_begin(
        source, COMMAND_RESET_PROTECTION if resets else COMMAND_SET_PROTECTION,
        sizeof(ResetProtection) if resets else sizeof(SetProtection))
    if not resets:
        code = source_byte(source)
        command.volume_max = code & 63
        command.delta_max = source_byte(source) if code & 64 else 0
        command.executions_max = source_byte(source) & 3 if code & 128 else 0
        command.window_seconds = source_byte(source) & 15
    command.header.session = session
    command.header.instrument = instrument
    return source_end(source)


cdef uint32_t source_continue(Source* source) noexcept nogil:
    source_begin(source, COMMAND_CONTINUE, sizeof(ContinueCommand))
    return source_end(source)


cdef uint32_t _bust(Source* source, uint32_t session, uint32_t instrument) noexcept nogil:
    cdef BustTrade* command = <BustTrade*>source_begin(
        source, COMMAND_BUST_TRADE, sizeof(BustTrade))
    cdef uint32_t code = source_byte(source)
    command.header.instrument = instrument
    command.match_number = source.engine.match_number_last - (code & 3) + (code >> 7)
    command.slots[0] = session << source.engine.limits.user_ref_bits | 1 if code & 4 else 0
    command.slots[1] = _word(source) if code & 8 else 0
    command.reason = b'E'
    return source_end(source)


cdef uint32_t _venue(Source* source, uint32_t session, uint32_t instrument) noexcept nogil:
    """What is rare."""
    cdef uint32_t code = source_byte(source)
    cdef SystemEventCommand* event
    if code < 96:
        return define_instrument(source, COMMAND_CHANGE_INSTRUMENT, instrument)
    if code < 104:
        return define_tick_table(source, source.engine.tick_tables_count + 1, source_byte(source))
    if code < 160:
        return _bust(source, session, instrument)
    if code < 176:
        event = <SystemEventCommand*>source_begin(source, COMMAND_SYSTEM_EVENT,
                                            sizeof(SystemEventCommand))
        event.event_code = b"OSQMEC?O"[code & 7]
        return source_end(source)
    if code < 192:
        source_begin(source, COMMAND_RETIRE_INSTRUMENT, 40)
        (<CommandHeader*>source.words).instrument = instrument
        return source_end(source)
    if code < 200:
        return define_instrument(source, COMMAND_DEFINE_INSTRUMENT, source.engine.books_count)
    if code < 208:
        return define_session(source, code & 7)
    if code < 216:
        return source_opening(source, 0)
    return _of_session(source, <uint8_t>(COMMAND_DISABLE_ORDER_ENTRY + code % 3), session)


cdef uint32_t _one(Source* source) noexcept nogil:
    """Kind in five bits of the first byte, then two of the session, then the instrument's."""
    cdef uint32_t code = source_byte(source)
    cdef uint32_t kind = code & 31
    # 0 is the session that is not defined, and rare: the venue's own commands have it anyway.
    cdef uint32_t session = code >> 5 & 3 or 1
    cdef uint32_t instrument = code >> 7
    if kind < 16:
        return _enter(source, kind, session, instrument)
    if kind < 19:
        return _replace(source, session, instrument)
    if kind < 22:
        return _cancel(source, session, instrument)
    if kind == 22:
        return _modify(source, session, instrument)
    if kind == 23:
        return _mass_cancel(source, session, instrument)
    if kind == 24:
        return _of_session(source, COMMAND_CANCEL_SESSION, session)
    if kind < 27:
        return _set_state(source, instrument)
    if kind < 29:
        return _clock(source)
    if kind == 29:
        return _venue(source, session, instrument)
    if kind == 30:
        code = source_byte(source)
        if code >= 96:
            return _quote(source, session, instrument, code)
        if code >= 32:
            return _protection(source, session, instrument, code)
        return _enter(source, 14, session, instrument + 2)  # there is no such instrument
    return source_continue(source)


cdef uint32_t source_next(Source* source) noexcept nogil:
    cdef uint32_t record_bytes
    cdef uint32_t at
    if source.at == source.end:
        return 0
    # Any command with one byte of it changed.
    if source.at[0] != 0xFF:
        return _one(source)
    source.at += 1
    at = source_byte(source)
    record_bytes = _one(source)
    source_record(source)[at % record_bytes] = <uint8_t>source_byte(source)
    return record_bytes
