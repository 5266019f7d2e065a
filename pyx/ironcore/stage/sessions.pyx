"""The order-entry sessions as the stream defines them: its events turned into OUCH 5.0 replies.

Everything here follows from the stream alone, so that a gateway which restarts, or a program that
replays the journal, arrives at the same replies with the same sequence numbers.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_IO, STATUS_OK
from ironcore.stage.directory cimport (
    directory_add, directory_close, directory_open, directory_symbol,
)
from ironcore.stage.reply_log cimport reply_log_append, reply_log_close, reply_log_open
from ironcore.wire.ouch50_account cimport (
    OuchAccountQueryResponse, OuchDisableOrderEntryResponse, OuchEnableOrderEntryResponse,
    OuchMassCancelResponse, OuchSystemEvent, ouch50_encode_account_query_response,
    ouch50_encode_disable_order_entry_response, ouch50_encode_enable_order_entry_response,
    ouch50_encode_mass_cancel_response, ouch50_encode_system_event,
)
from ironcore.wire.ouch50_outbound cimport (
    OuchOrderAccepted, OuchOrderCanceled, OuchOrderExecuted, OuchOrderModified, OuchOrderReplaced,
    OuchRejected, ouch50_encode_order_accepted, ouch50_encode_order_canceled,
    ouch50_encode_order_executed, ouch50_encode_order_modified, ouch50_encode_order_replaced,
    ouch50_encode_rejected,
)
from ironcore.wire.record cimport (
    COMMAND_BYTES_MAX, COMMAND_DEFINE_INSTRUMENT, COMMAND_DEFINE_SESSION, COMMAND_ENTER_ORDER,
    COMMAND_HEADER_BYTES, COMMAND_REPLACE_ORDER, COMMAND_STREAM_START, COMMAND_SYSTEM_EVENT,
    EVENT_ACCEPTED, EVENT_ACCOUNT_QUERY_RESPONSE, EVENT_BYTES, EVENT_CANCELED, EVENT_EXECUTED,
    EVENT_MASS_CANCEL_RESPONSE, EVENT_MODIFIED, EVENT_ORDER_ENTRY_DISABLED,
    EVENT_ORDER_ENTRY_ENABLED, EVENT_REJECTED, EVENT_REPLACED, RECORD_LAST, CancelOrder,
    CommandHeader, DefineInstrument, DefineSession, EnterOrder, Event, ReplaceOrder, StreamStart,
    SystemEventCommand,
)

cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <sys/mman.h>
    static void *iron_table_reserve(uint64_t bytes) {
        void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? NULL : p;
    }
    static void iron_table_release(void *p, uint64_t bytes) { if (p) munmap(p, bytes); }
    """
    void* iron_table_reserve(uint64_t bytes)
    void iron_table_release(void* p, uint64_t bytes)

cdef enum:
    REPLY_BYTES_MAX = 1024           # the longest reply, appendage included
    LIQUIDITY_ADDED = 0x41           # 'A'
    LIQUIDITY_REMOVED = 0x52         # 'R'


cdef int sessions_open(Sessions* s, uint32_t sessions_max, uint32_t instruments_max,
                       uint32_t user_ref_bits, uint64_t replies_bytes_max) noexcept nogil:
    cdef uint32_t i
    memset(s, 0, sizeof(Sessions))
    s.sessions_max = sessions_max
    s.user_ref_bits = user_ref_bits
    s.session = <Session*>calloc(sessions_max + 1, sizeof(Session))
    s.unsent = <uint32_t*>calloc(sessions_max + 1, sizeof(uint32_t))
    if s.session == NULL or s.unsent == NULL:
        sessions_close(s)
        return STATUS_IO
    if directory_open(&s.directory, instruments_max) != STATUS_OK:
        sessions_close(s)
        return STATUS_IO
    for i in range(1, sessions_max + 1):
        s.session[i].connection = -1
        s.session[i].orders = <OrderFacts*>iron_table_reserve(
            sizeof(OrderFacts) << user_ref_bits)
        if (s.session[i].orders == NULL
                or reply_log_open(&s.session[i].log, replies_bytes_max) != STATUS_OK):
            sessions_close(s)
            return STATUS_IO
    return STATUS_OK


cdef void sessions_close(Sessions* s) noexcept nogil:
    cdef uint32_t i
    if s.session != NULL:
        for i in range(1, s.sessions_max + 1):
            iron_table_release(s.session[i].orders, sizeof(OrderFacts) << s.user_ref_bits)
            reply_log_close(&s.session[i].log)
    directory_close(&s.directory)
    free(s.session)
    free(s.unsent)
    s.session = NULL
    s.unsent = NULL


cdef uint32_t sessions_find(const Sessions* s, const char* username) noexcept nogil:
    cdef uint32_t i
    for i in range(1, s.sessions_max + 1):
        if s.session[i].defined and memcmp(s.session[i].username, username, 6) == 0:
            return i
    return 0


cdef void _reply(Sessions* s, uint32_t session, const uint8_t* message,
                 size_t bytes) noexcept nogil:
    cdef Session* to = &s.session[session]
    if session == 0:
        return                       # the venue itself needs no reply
    if reply_log_append(&to.log, message, <uint32_t>bytes) != STATUS_OK:
        to.replies_lost += 1
        return
    # The last eighth is for what is on its way and for the cancels of what rests.
    if not to.full and to.log.bytes > to.log.bytes_max // 8 * 7:
        to.full = True
        to.cancel_due = True
        s.cancels_due = True
    if not to.unsent:
        to.unsent = True
        s.unsent[s.unsent_count] = session
        s.unsent_count += 1


cdef inline uint64_t _day_ns(const Sessions* s) noexcept nogil:
    return (<const CommandHeader*>s.command).time_ns - s.midnight_ns


cdef inline bint _owner(const Sessions* s, uint32_t slot, uint32_t* session,
                        uint32_t* user_ref) noexcept nogil:
    session[0] = slot >> s.user_ref_bits
    user_ref[0] = slot & ((<uint32_t>1 << s.user_ref_bits) - 1)
    return 1 <= session[0] <= s.sessions_max


cdef int _accepted(Sessions* s, const Event* event) noexcept nogil:
    cdef const EnterOrder* order = <const EnterOrder*>s.command
    cdef OuchOrderAccepted m
    cdef OrderFacts* facts
    cdef uint8_t out[REPLY_BYTES_MAX]
    if order.header.type != COMMAND_ENTER_ORDER:
        return STATUS_CORRUPT
    m.timestamp = _day_ns(s)
    m.user_ref_num = order.header.user_ref
    m.side = order.side
    m.quantity = event.quantity
    directory_symbol(&s.directory, order.header.instrument, m.symbol)
    m.price = <uint64_t>order.price_e4
    m.time_in_force = order.time_in_force
    m.display = order.display
    m.order_ref = event.order_ref
    m.capacity = order.capacity
    m.iso = order.iso
    m.cross_type = order.cross_type
    m.order_state = event.reason
    memcpy(m.cl_ord_id, order.cl_ord_id, 14)
    m.appendage = s.command + sizeof(EnterOrder)
    m.appendage_bytes = order.appendage_bytes
    if order.header.user_ref >> s.user_ref_bits == 0:
        facts = &s.session[order.header.session].orders[order.header.user_ref]
        facts.instrument = order.header.instrument
        facts.capacity = order.capacity
        facts.iso = order.iso
        facts.cross_type = order.cross_type
        facts.display = order.display
    _reply(s, order.header.session, out, ouch50_encode_order_accepted(&m, out))
    return STATUS_OK


cdef int _replaced(Sessions* s, const Event* event) noexcept nogil:
    cdef const ReplaceOrder* order = <const ReplaceOrder*>s.command
    cdef Session* owner = &s.session[order.header.session]
    cdef OuchOrderReplaced m
    cdef OrderFacts* facts
    cdef uint8_t out[REPLY_BYTES_MAX]
    if (order.header.type != COMMAND_REPLACE_ORDER
            or order.header.user_ref >> s.user_ref_bits != 0
            or order.orig_user_ref >> s.user_ref_bits != 0):
        return STATUS_CORRUPT
    facts = &owner.orders[order.header.user_ref]
    facts[0] = owner.orders[order.orig_user_ref]
    facts.iso = order.iso
    facts.display = order.display
    m.timestamp = _day_ns(s)
    m.orig_user_ref_num = order.orig_user_ref
    m.user_ref_num = order.header.user_ref
    m.side = event.side
    m.quantity = event.quantity
    directory_symbol(&s.directory, facts.instrument, m.symbol)
    m.price = <uint64_t>order.price_e4
    m.time_in_force = order.time_in_force
    m.display = order.display
    m.order_ref = event.order_ref
    m.capacity = facts.capacity
    m.iso = order.iso
    m.cross_type = facts.cross_type
    m.order_state = event.reason
    memcpy(m.cl_ord_id, order.cl_ord_id, 14)
    m.appendage = s.command + sizeof(ReplaceOrder)
    m.appendage_bytes = order.appendage_bytes
    _reply(s, order.header.session, out, ouch50_encode_order_replaced(&m, out))
    return STATUS_OK


cdef int _rejected(Sessions* s, const Event* event) noexcept nogil:
    cdef const CommandHeader* header = <const CommandHeader*>s.command
    cdef OuchRejected m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = _day_ns(s)
    m.user_ref_num = header.user_ref
    m.reason = <uint16_t>event.slot
    memset(m.cl_ord_id, b' ', 14)
    if header.type == COMMAND_ENTER_ORDER:
        memcpy(m.cl_ord_id, (<const EnterOrder*>s.command).cl_ord_id, 14)
    elif header.type == COMMAND_REPLACE_ORDER:
        memcpy(m.cl_ord_id, (<const ReplaceOrder*>s.command).cl_ord_id, 14)
    m.appendage = NULL
    m.appendage_bytes = 0
    _reply(s, header.session, out, ouch50_encode_rejected(&m, out))
    return STATUS_OK


cdef int _executed(Sessions* s, const Event* event) noexcept nogil:
    """Both sides hear of a trade: the resting order's owner first, as the book did."""
    cdef const CommandHeader* header = <const CommandHeader*>s.command
    cdef OuchOrderExecuted m
    cdef uint32_t session, user_ref
    cdef uint8_t out[REPLY_BYTES_MAX]
    if not _owner(s, event.slot, &session, &user_ref):
        return STATUS_CORRUPT
    m.timestamp = _day_ns(s)
    m.user_ref_num = user_ref
    m.quantity = event.quantity
    m.price = <uint64_t>event.price_e4
    m.liquidity_flag = LIQUIDITY_ADDED
    m.match_number = event.other
    m.appendage = NULL
    m.appendage_bytes = 0
    _reply(s, session, out, ouch50_encode_order_executed(&m, out))
    m.user_ref_num = header.user_ref
    m.liquidity_flag = LIQUIDITY_REMOVED
    _reply(s, header.session, out, ouch50_encode_order_executed(&m, out))
    return STATUS_OK


cdef int _canceled(Sessions* s, const Event* event) noexcept nogil:
    cdef OuchOrderCanceled m
    cdef uint32_t session, user_ref
    cdef uint8_t out[REPLY_BYTES_MAX]
    if not _owner(s, event.slot, &session, &user_ref):
        return STATUS_CORRUPT
    m.timestamp = _day_ns(s)
    m.user_ref_num = user_ref
    m.quantity = event.quantity
    m.reason = event.reason
    m.appendage = NULL
    m.appendage_bytes = 0
    _reply(s, session, out, ouch50_encode_order_canceled(&m, out))
    return STATUS_OK


cdef int _modified(Sessions* s, const Event* event) noexcept nogil:
    cdef OuchOrderModified m
    cdef uint32_t session, user_ref
    cdef uint8_t out[REPLY_BYTES_MAX]
    if not _owner(s, event.slot, &session, &user_ref):
        return STATUS_CORRUPT
    m.timestamp = _day_ns(s)
    m.user_ref_num = user_ref
    m.side = event.side
    m.quantity = event.quantity
    m.appendage = NULL
    m.appendage_bytes = 0
    _reply(s, session, out, ouch50_encode_order_modified(&m, out))
    return STATUS_OK


cdef int _answered(Sessions* s, const Event* event) noexcept nogil:
    """Responses to requests that concern the whole session."""
    cdef const CancelOrder* request = <const CancelOrder*>s.command
    cdef uint32_t session = request.header.session
    cdef OuchMassCancelResponse mass
    cdef OuchDisableOrderEntryResponse disabled
    cdef OuchEnableOrderEntryResponse enabled
    cdef OuchAccountQueryResponse query
    cdef uint8_t out[REPLY_BYTES_MAX]
    cdef char firm[4]
    memset(firm, b' ', 4)
    if request.firm_given:
        memcpy(firm, s.session[session].firm, 4)
    if event.type == EVENT_MASS_CANCEL_RESPONSE:
        memset(&mass, 0, sizeof(mass))
        mass.timestamp = _day_ns(s)
        mass.user_ref_num = request.header.user_ref
        memcpy(mass.firm, firm, 4)
        memset(mass.symbol, b' ', 8)
        if request.symbol_given:
            directory_symbol(&s.directory, request.header.instrument, mass.symbol)
        _reply(s, session, out, ouch50_encode_mass_cancel_response(&mass, out))
    elif event.type == EVENT_ORDER_ENTRY_DISABLED:
        memset(&disabled, 0, sizeof(disabled))
        disabled.timestamp = _day_ns(s)
        disabled.user_ref_num = request.header.user_ref
        memcpy(disabled.firm, firm, 4)
        _reply(s, session, out, ouch50_encode_disable_order_entry_response(&disabled, out))
    elif event.type == EVENT_ORDER_ENTRY_ENABLED:
        memset(&enabled, 0, sizeof(enabled))
        enabled.timestamp = _day_ns(s)
        enabled.user_ref_num = request.header.user_ref
        memcpy(enabled.firm, firm, 4)
        _reply(s, session, out, ouch50_encode_enable_order_entry_response(&enabled, out))
    else:
        memset(&query, 0, sizeof(query))
        query.timestamp = _day_ns(s)
        query.next_user_ref_num = event.quantity
        _reply(s, session, out, ouch50_encode_account_query_response(&query, out))
    return STATUS_OK


cdef void _system_event(Sessions* s) noexcept nogil:
    """OUCH knows the start and the end of the day only, and every session hears of them."""
    cdef const SystemEventCommand* command = <const SystemEventCommand*>s.command
    cdef OuchSystemEvent m
    cdef uint32_t i
    cdef size_t bytes
    cdef uint8_t out[REPLY_BYTES_MAX]
    if command.event_code != b'S' and command.event_code != b'E':
        return
    m.timestamp = _day_ns(s)
    m.event_code = command.event_code
    bytes = ouch50_encode_system_event(&m, out)
    for i in range(1, s.sessions_max + 1):
        if s.session[i].defined:
            _reply(s, i, out, bytes)


cdef int _command(Sessions* s) noexcept nogil:
    """What a command itself says to the sessions; most only say it by their events."""
    cdef const CommandHeader* header = <const CommandHeader*>s.command
    cdef const StreamStart* start = <const StreamStart*>s.command
    cdef const DefineSession* define = <const DefineSession*>s.command
    cdef Session* session
    if header.session > s.sessions_max:
        return STATUS_CORRUPT
    if header.type == COMMAND_STREAM_START:
        if start.user_ref_bits != s.user_ref_bits or start.sessions_max != s.sessions_max:
            return STATUS_CORRUPT
        s.midnight_ns = start.midnight_ns
        memcpy(s.stream_name, start.stream_name, 10)
    elif header.type == COMMAND_DEFINE_INSTRUMENT:
        return directory_add(&s.directory, (<const DefineInstrument*>s.command).symbol,
                             header.instrument)
    elif header.type == COMMAND_DEFINE_SESSION:
        session = &s.session[header.session]
        s.count += not session.defined
        session.defined = True
        memcpy(session.username, define.username, 6)
        memcpy(session.firm, define.firm, 4)
        session.cancel_on_disconnect = define.cancel_on_disconnect != 0
    elif header.type == COMMAND_SYSTEM_EVENT:
        _system_event(s)
    return STATUS_OK


cdef int _event(Sessions* s, const Event* event) noexcept nogil:
    if event.type == EVENT_EXECUTED:
        return _executed(s, event)
    if event.type == EVENT_ACCEPTED:
        return _accepted(s, event)
    if event.type == EVENT_CANCELED:
        return _canceled(s, event)
    if event.type == EVENT_REPLACED:
        return _replaced(s, event)
    if event.type == EVENT_REJECTED:
        return _rejected(s, event)
    if event.type == EVENT_MODIFIED:
        return _modified(s, event)
    if (event.type == EVENT_MASS_CANCEL_RESPONSE or event.type == EVENT_ORDER_ENTRY_DISABLED
            or event.type == EVENT_ORDER_ENTRY_ENABLED
            or event.type == EVENT_ACCOUNT_QUERY_RESPONSE):
        return _answered(s, event)
    return STATUS_OK                 # what concerns the visible book only


cdef int sessions_apply(Sessions* s, const uint8_t* payload, uint32_t payload_bytes) noexcept nogil:
    cdef uint32_t offset = 0
    cdef int status
    cdef const Event* event
    if not s.open:
        if payload_bytes < COMMAND_HEADER_BYTES:
            return STATUS_CORRUPT
        offset = (<const CommandHeader*>payload).record_bytes
        if offset < COMMAND_HEADER_BYTES or offset > payload_bytes or offset > COMMAND_BYTES_MAX:
            return STATUS_CORRUPT
        memcpy(s.command, payload, offset)
        status = _command(s)
        if status != STATUS_OK:
            return status
        s.open = (<const CommandHeader*>payload).flags & RECORD_LAST == 0
    while offset + EVENT_BYTES <= payload_bytes:
        event = <const Event*>(payload + offset)
        status = _event(s, event)
        if status != STATUS_OK:
            return status
        s.open = event.flags & RECORD_LAST == 0
        offset += EVENT_BYTES
    return STATUS_OK if offset == payload_bytes else STATUS_CORRUPT
