"""The event stream turned into execution reports: who is told what, session by session.

Everything here follows from the stream alone, so that a gateway which restarts, or a program that
replays the journal, arrives at the same replies with the same sequence numbers. The words are the
protocol's.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK
from ironcore.order_entry.commands cimport command_options
from ironcore.order_entry.protocol cimport (
    LIQUIDITY_ADDED, LIQUIDITY_ADDED_HIDDEN, LIQUIDITY_REMOVED, REPORT_ACCEPTED, REPORT_ANSWERED,
    REPORT_BROKEN, REPORT_CANCELED, REPORT_CANCEL_REJECTED, REPORT_DAY, REPORT_EXECUTED,
    REPORT_MODIFIED, REPORT_PREVENTED, REPORT_REJECTED, REPORT_REPLACED, REPORT_REPLENISHED, Report,
    ReportKind,
)
from ironcore.order_entry.session_state cimport (
    OrderFacts, Session, sessions_claim, sessions_defined, sessions_facts, sessions_owner,
    sessions_user_ref,
)
from ironcore.stream.facts cimport facts_has_session, facts_take
from ironcore.stream.walk cimport walk_command, walk_take
from ironcore.wire.order_options cimport NAMED_SELF_TRADE_PREVENTION, OrderOptions
from ironcore.wire.record cimport (
    COMMAND_DEFINE_SESSION, COMMAND_ENTER_ORDER, COMMAND_QUOTE, COMMAND_REPLACE_ORDER,
    COMMAND_STREAM_START, COMMAND_SYSTEM_EVENT, EVENT_ACCEPTED, EVENT_ACCOUNT_QUERY_RESPONSE,
    EVENT_ACTIVATED, EVENT_BROKEN, EVENT_CANCELED, EVENT_CANCEL_REJECTED, EVENT_CROSSED,
    EVENT_EXECUTED, EVENT_MASS_CANCEL_RESPONSE, EVENT_MODIFIED, EVENT_ORDER_ENTRY_DISABLED,
    EVENT_ORDER_ENTRY_ENABLED, EVENT_REJECTED, EVENT_REPLACED, EVENT_REPLENISHED, EVENT_VISIBLE,
    SLOT_NONE, CommandHeader, EnterOrder, Event, Quote, QuoteEntry, ReplaceOrder, StreamStart,
    SystemEventCommand,
)

cdef enum:
    REASON_SELF_TRADE = 0x51         # 'Q' of CANCELED


cdef inline int _tell(Sessions* s, const Protocol* protocol, Report* report) noexcept nogil:
    """Of sessions that are not served here no reply is kept: nothing is made."""
    if not s.session[report.session].served:
        return STATUS_OK
    return protocol.report(s, report)


cdef inline void _begin(Report* report, ReportKind kind, const Sessions* s, const Event* event,
                        uint32_t session, uint32_t user_ref) noexcept nogil:
    report.kind = kind
    report.session = session
    report.user_ref = user_ref
    report.liquidity = 0
    report.stp_mode = 0
    report.command = walk_command(&s.walk)
    report.event = event
    report.facts = NULL


cdef inline void _begin_of_order(Report* report, ReportKind kind, const Sessions* s,
                                 const Event* event, uint32_t slot) noexcept nogil:
    """About an order whose session exists."""
    _begin(report, kind, s, event, slot >> s.user_ref_bits, sessions_user_ref(s, slot))
    report.facts = sessions_facts(s, slot)


cdef int _of_order(Sessions* s, const Protocol* protocol, ReportKind kind,
                   const Event* event) noexcept nogil:
    """Its owner is told."""
    cdef Report report
    _begin_of_order(&report, kind, s, event, event.slot)
    return _tell(s, protocol, &report)


cdef int _of_command(Sessions* s, const Protocol* protocol, ReportKind kind,
                     const Event* event) noexcept nogil:
    """Who sent the command is told."""
    cdef const CommandHeader* command = walk_command(&s.walk)
    cdef Report report
    _begin(&report, kind, s, event, command.session, command.user_ref)
    return _tell(s, protocol, &report)


cdef inline uint8_t _stp_mode(const OrderOptions* options, uint8_t otherwise) noexcept nogil:
    """The self-trade prevention that the options name."""
    if options == NULL or not options.named & NAMED_SELF_TRADE_PREVENTION:
        return otherwise
    return options.stp_mode


cdef inline uint8_t _session_stp_mode(const Sessions* s, uint32_t session) noexcept nogil:
    """Of orders that do not name one."""
    cdef uint8_t mode = sessions_defined(s, session).stp_mode
    return mode if mode else b'-'


cdef int _quoted(Sessions* s, const Event* event) noexcept nogil:
    """A side of a quote comes in. No protocol has quotes: nobody is told, but what happens to the
    order later is said as of any other."""
    cdef const CommandHeader* header = walk_command(&s.walk)
    cdef uint32_t entry = (sessions_user_ref(s, event.slot) - header.user_ref) // 2
    cdef OrderFacts* facts
    if (sessions_owner(s, event.slot) != header.session
            or header.record_bytes < sizeof(Quote) + entry * <uint64_t>sizeof(QuoteEntry)):
        return STATUS_CORRUPT
    facts = &s.session[header.session].orders[sessions_user_ref(s, event.slot)]
    memset(facts, 0, sizeof(OrderFacts))
    facts.instrument = (<const Quote*>header).entries[entry].instrument
    facts.capacity = b'P'
    facts.iso = b'N'
    facts.cross_type = b'N'
    facts.display = b'Y'
    facts.stp_mode = _session_stp_mode(s, header.session)
    s.aggressor = event.slot
    return STATUS_OK


cdef int _accepted(Sessions* s, const Protocol* protocol, const Event* event) noexcept nogil:
    cdef const EnterOrder* order = <const EnterOrder*>s.walk.command
    cdef OrderFacts* facts
    cdef Report report
    if order.header.type == COMMAND_QUOTE:
        return _quoted(s, event)
    if order.header.type != COMMAND_ENTER_ORDER:
        return STATUS_CORRUPT
    _begin(&report, REPORT_ACCEPTED, s, event, order.header.session, order.header.user_ref)
    if order.header.user_ref >> s.user_ref_bits == 0:
        facts = &s.session[order.header.session].orders[order.header.user_ref]
        facts.instrument = order.header.instrument
        facts.capacity = order.capacity
        facts.iso = order.iso
        facts.cross_type = order.cross_type
        facts.display = order.display
        facts.stp_mode = _stp_mode(command_options(&order.header, sizeof(EnterOrder)),
                                   _session_stp_mode(s, order.header.session))
        memcpy(facts.client_order_id, order.client_order_id, sizeof(facts.client_order_id))
        report.facts = facts
    return _tell(s, protocol, &report)


cdef int _replaced(Sessions* s, const Protocol* protocol, const Event* event) noexcept nogil:
    cdef const ReplaceOrder* order = <const ReplaceOrder*>s.walk.command
    cdef Session* owner = &s.session[order.header.session]
    cdef OrderFacts* facts
    cdef Report report
    if (order.header.type != COMMAND_REPLACE_ORDER
            or order.header.user_ref >> s.user_ref_bits != 0
            or order.orig_user_ref >> s.user_ref_bits != 0):
        return STATUS_CORRUPT
    facts = &owner.orders[order.header.user_ref]
    facts[0] = owner.orders[order.orig_user_ref]
    facts.iso = order.iso
    facts.display = order.display
    facts.stp_mode = _stp_mode(command_options(&order.header, sizeof(ReplaceOrder)),
                               facts.stp_mode)
    memcpy(facts.client_order_id, order.client_order_id, sizeof(facts.client_order_id))
    _begin(&report, REPORT_REPLACED, s, event, order.header.session, order.header.user_ref)
    report.facts = facts
    return _tell(s, protocol, &report)


cdef inline int _fill(Sessions* s, const Protocol* protocol, const Event* event, uint32_t slot,
                      uint8_t liquidity) noexcept nogil:
    cdef Report report
    _begin_of_order(&report, REPORT_EXECUTED, s, event, slot)
    report.liquidity = liquidity
    return _tell(s, protocol, &report)


cdef int _executed(Sessions* s, const Protocol* protocol, const Event* event) noexcept nogil:
    """Both sides hear of a trade: the resting order's owner first, as the book did."""
    cdef int status
    if sessions_owner(s, s.aggressor) == 0:
        return STATUS_CORRUPT
    status = _fill(s, protocol, event, event.slot,
                   LIQUIDITY_ADDED if event.flags & EVENT_VISIBLE else LIQUIDITY_ADDED_HIDDEN)
    if status != STATUS_OK:
        return status
    return _fill(s, protocol, event, s.aggressor, LIQUIDITY_REMOVED)


cdef int _prevented(Sessions* s, const Protocol* protocol, const Event* event) noexcept nogil:
    """A peg that moves and meets only orders of its own group is not named as the aggressor."""
    cdef uint32_t aggressor = s.aggressor if sessions_owner(s, s.aggressor) else event.slot
    cdef Report report
    _begin_of_order(&report, REPORT_PREVENTED, s, event, event.slot)
    report.liquidity = LIQUIDITY_REMOVED if event.slot == aggressor else LIQUIDITY_ADDED
    report.stp_mode = sessions_facts(s, aggressor).stp_mode
    return _tell(s, protocol, &report)


cdef int _order_event(Sessions* s, const Protocol* protocol, const Event* event) noexcept nogil:
    if sessions_owner(s, event.slot) == 0:
        return STATUS_CORRUPT
    if event.type == EVENT_EXECUTED:
        return _executed(s, protocol, event)
    if event.type == EVENT_CANCELED and event.reason == REASON_SELF_TRADE:
        return _prevented(s, protocol, event)
    if event.type == EVENT_CANCELED:
        return _of_order(s, protocol, REPORT_CANCELED, event)
    if event.type == EVENT_MODIFIED:
        return _of_order(s, protocol, REPORT_MODIFIED, event)
    if event.type == EVENT_CANCEL_REJECTED:
        return _of_order(s, protocol, REPORT_CANCEL_REJECTED, event)
    if event.type == EVENT_REPLENISHED:
        return _of_order(s, protocol, REPORT_REPLENISHED, event)
    if event.type == EVENT_CROSSED:
        return _fill(s, protocol, event, event.slot, event.reason)
    if event.type == EVENT_BROKEN:
        return _of_order(s, protocol, REPORT_BROKEN, event)
    s.aggressor = event.slot         # EVENT_ACTIVATED: its owner knows the order; what follows
    return STATUS_OK                 # executes against it


cdef inline bint _is_of_order(uint8_t event_type) noexcept nogil:
    return (event_type == EVENT_EXECUTED or event_type == EVENT_CANCELED
            or event_type == EVENT_MODIFIED or event_type == EVENT_REPLENISHED
            or event_type == EVENT_ACTIVATED or event_type == EVENT_CROSSED
            or event_type == EVENT_BROKEN or event_type == EVENT_CANCEL_REJECTED)


cdef int _event(Sessions* s, const Protocol* protocol, const Event* event) noexcept nogil:
    if event.type == EVENT_ACCEPTED:
        return _accepted(s, protocol, event)
    if _is_of_order(event.type):
        return _order_event(s, protocol, event)
    if event.type == EVENT_REPLACED:
        return _replaced(s, protocol, event)
    if event.type == EVENT_REJECTED:
        return _of_command(s, protocol, REPORT_REJECTED, event)
    if (event.type == EVENT_MASS_CANCEL_RESPONSE or event.type == EVENT_ORDER_ENTRY_DISABLED
            or event.type == EVENT_ORDER_ENTRY_ENABLED
            or event.type == EVENT_ACCOUNT_QUERY_RESPONSE):
        return _of_command(s, protocol, REPORT_ANSWERED, event)
    return STATUS_OK                 # what concerns the visible book only


cdef int _system_event(Sessions* s, const Protocol* protocol) noexcept nogil:
    """Every session hears of the start and of the end of the day."""
    cdef const SystemEventCommand* command = <const SystemEventCommand*>walk_command(&s.walk)
    cdef Report report
    cdef uint32_t i
    cdef int status
    if command.event_code != b'S' and command.event_code != b'E':
        return STATUS_OK
    for i in range(1, s.sessions_max + 1):
        if not facts_has_session(&s.facts, i):
            continue
        _begin(&report, REPORT_DAY, s, NULL, i, 0)
        status = _tell(s, protocol, &report)
        if status != STATUS_OK:
            return status
    return STATUS_OK


cdef int _command(Sessions* s, const Protocol* protocol) noexcept nogil:
    """What a command itself says to the sessions; most only say it by their events."""
    cdef const CommandHeader* header = walk_command(&s.walk)
    cdef const StreamStart* start = <const StreamStart*>header
    if header.session > s.sessions_max:
        return STATUS_CORRUPT
    s.aggressor = SLOT_NONE
    if header.type == COMMAND_ENTER_ORDER or header.type == COMMAND_REPLACE_ORDER:
        s.aggressor = header.session << s.user_ref_bits | header.user_ref
        return STATUS_OK
    if header.type == COMMAND_SYSTEM_EVENT:
        return _system_event(s, protocol)
    if facts_take(&s.facts, header) != STATUS_OK:
        return STATUS_CORRUPT
    if header.type == COMMAND_DEFINE_SESSION:
        sessions_claim(s, header.session)
    if header.type == COMMAND_STREAM_START and (
            start.user_ref_bits != s.user_ref_bits or start.sessions_max != s.sessions_max):
        return STATUS_CORRUPT
    return STATUS_OK


cdef int sessions_apply(Sessions* s, const Protocol* protocol, uint64_t sequence,
                        const uint8_t* payload, uint32_t payload_bytes) noexcept nogil:
    cdef int status = walk_take(&s.walk, sequence, payload, payload_bytes)
    cdef uint32_t i
    if status == STATUS_OK and s.walk.begins:
        status = _command(s, protocol)
    if status != STATUS_OK:
        return status
    for i in range(s.walk.events_count):
        status = _event(s, protocol, &s.walk.events[i])
        if status != STATUS_OK:
            return status
    return STATUS_OK
