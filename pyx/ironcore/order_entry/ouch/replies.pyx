"""What one execution report tells its session, as an OUCH 5.0 reply."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK
from ironcore.stream.directory cimport directory_symbol
from ironcore.order_entry.commands cimport command_options
from ironcore.order_entry.protocol cimport (
    REPORT_ACCEPTED, REPORT_BROKEN, REPORT_CANCELED, REPORT_CANCEL_REJECTED, REPORT_DAY,
    REPORT_EXECUTED, REPORT_MODIFIED, REPORT_PREVENTED, REPORT_REJECTED, REPORT_REPLACED,
    REPORT_REPLENISHED, Report,
)
from ironcore.order_entry.session_state cimport (
    OrderFacts, Sessions, sessions_day_ns, sessions_defined, sessions_reply,
)
from ironcore.wire.order_options cimport OrderOptions, options_to_tags
from ironcore.wire.ouch50_account cimport (
    OuchAccountQueryResponse, OuchDisableOrderEntryResponse, OuchEnableOrderEntryResponse,
    OuchMassCancelResponse, OuchSystemEvent, ouch50_encode_account_query_response,
    ouch50_encode_disable_order_entry_response, ouch50_encode_enable_order_entry_response,
    ouch50_encode_mass_cancel_response, ouch50_encode_system_event,
)
from ironcore.wire.ouch50_appendage cimport (
    OUCH50_APPENDAGE_BYTES_MAX, OUCH50_TAG_DISPLAY_QUANTITY, OUCH50_TAG_SECONDARY_ORD_REF_NUM,
    OuchOptions, ouch50_encode_options, ouch50_set,
)
from ironcore.wire.ouch50_outbound cimport (
    OuchAIQCanceled, OuchBrokenTrade, OuchCancelReject, OuchOrderAccepted, OuchOrderCanceled,
    OuchOrderExecuted, OuchOrderModified, OuchOrderPriorityUpdate, OuchOrderReplaced,
    OuchOrderRestated, OuchRejected,
    ouch50_encode_aiq_canceled, ouch50_encode_broken_trade, ouch50_encode_cancel_reject,
    ouch50_encode_order_accepted,
    ouch50_encode_order_canceled, ouch50_encode_order_executed, ouch50_encode_order_modified,
    ouch50_encode_order_priority_update,
    ouch50_encode_order_replaced, ouch50_encode_order_restated, ouch50_encode_rejected,
)
from ironcore.wire.record cimport (
    COMMAND_CONTINUE, COMMAND_DISABLE_ORDER_ENTRY, COMMAND_ENABLE_ORDER_ENTRY,
    COMMAND_ENTER_ORDER, COMMAND_MASS_CANCEL, COMMAND_REPLACE_ORDER, EVENT_ATTRIBUTED,
    EVENT_MASS_CANCEL_RESPONSE, EVENT_ORDER_ENTRY_DISABLED, EVENT_ORDER_ENTRY_ENABLED,
    CommandHeader, ContinueCommand, EnterOrder, EntrySwitch, Event, MassCancel, ReplaceOrder,
    SystemEventCommand,
)

cdef enum:
    REASON_REFRESH = 0x52            # 'R' of OrderRestated
    DISPLAY_YES = 0x59               # 'Y' and 'A' of OrderPriorityUpdate
    DISPLAY_ATTRIBUTED = 0x41
    CL_ORD_ID_BYTES = 14             # that OUCH shows of a client_order_id


cdef uint16_t _appendage(const OrderOptions* options, uint8_t* out) noexcept nogil:
    """The options as OUCH tells them, in the order of their tags; its length."""
    cdef OuchOptions found
    if options == NULL:
        return 0
    found.present = options_to_tags(options, found.values)
    return <uint16_t>ouch50_encode_options(&found, out)


cdef int _accepted(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef const EnterOrder* order = <const EnterOrder*>s.walk.command
    cdef const OrderOptions* options = command_options(&order.header, sizeof(EnterOrder))
    cdef OuchOrderAccepted m
    cdef uint8_t appendage[OUCH50_APPENDAGE_BYTES_MAX]
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = order.header.user_ref
    m.side = order.side
    m.quantity = event.quantity
    directory_symbol(&s.facts.directory, order.header.instrument, m.symbol)
    m.price = <uint64_t>event.price
    m.time_in_force = order.time_in_force
    m.display = order.display
    m.order_ref = event.order_ref
    m.capacity = order.capacity
    m.iso = order.iso
    m.cross_type = order.cross_type
    m.order_state = event.reason
    memcpy(m.cl_ord_id, order.client_order_id, CL_ORD_ID_BYTES)
    m.appendage = appendage
    m.appendage_bytes = _appendage(options, appendage)
    sessions_reply(s, order.header.session, out, ouch50_encode_order_accepted(&m, out))
    return STATUS_OK


cdef int _replaced(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef const ReplaceOrder* order = <const ReplaceOrder*>s.walk.command
    cdef const OrderFacts* facts = report.facts
    cdef const OrderOptions* options = command_options(&order.header, sizeof(ReplaceOrder))
    cdef OuchOrderReplaced m
    cdef uint8_t appendage[OUCH50_APPENDAGE_BYTES_MAX]
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.orig_user_ref_num = order.orig_user_ref
    m.user_ref_num = order.header.user_ref
    m.side = event.side
    m.quantity = event.quantity
    directory_symbol(&s.facts.directory, facts.instrument, m.symbol)
    m.price = <uint64_t>event.price
    m.time_in_force = order.time_in_force
    m.display = order.display
    m.order_ref = event.order_ref
    m.capacity = facts.capacity
    m.iso = order.iso
    m.cross_type = facts.cross_type
    m.order_state = event.reason
    memcpy(m.cl_ord_id, order.client_order_id, CL_ORD_ID_BYTES)
    m.appendage = appendage
    m.appendage_bytes = _appendage(options, appendage)
    sessions_reply(s, order.header.session, out, ouch50_encode_order_replaced(&m, out))
    return STATUS_OK


cdef int _rejected(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef const CommandHeader* header = <const CommandHeader*>s.walk.command
    cdef OuchRejected m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = header.user_ref
    m.reason = <uint16_t>event.slot
    memset(m.cl_ord_id, b' ', CL_ORD_ID_BYTES)
    if header.type == COMMAND_ENTER_ORDER:
        memcpy(m.cl_ord_id, (<const EnterOrder*>s.walk.command).client_order_id, CL_ORD_ID_BYTES)
    elif header.type == COMMAND_REPLACE_ORDER:
        memcpy(m.cl_ord_id, (<const ReplaceOrder*>s.walk.command).client_order_id, CL_ORD_ID_BYTES)
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, header.session, out, ouch50_encode_rejected(&m, out))
    return STATUS_OK


cdef int _executed(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    """OUCH's liquidity flags of crosses are the letters of their types."""
    cdef OuchOrderExecuted m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.quantity = event.quantity
    m.price = <uint64_t>event.price
    m.liquidity_flag = report.liquidity
    m.match_number = event.other
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, report.session, out, ouch50_encode_order_executed(&m, out))
    return STATUS_OK


cdef int _prevented(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    """The stream says what the order lost, and not the part of it that would have executed."""
    cdef OuchAIQCanceled m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.decrement_shares = event.quantity
    m.reason = event.reason
    m.quantity_prevented = event.quantity
    m.execution_price = <uint64_t>event.price
    m.liquidity_flag = report.liquidity
    m.aiq_strategy = report.stp_mode
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, report.session, out, ouch50_encode_aiq_canceled(&m, out))
    return STATUS_OK


cdef int _canceled(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef OuchOrderCanceled m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.quantity = event.quantity
    m.reason = event.reason
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, report.session, out, ouch50_encode_order_canceled(&m, out))
    return STATUS_OK


cdef int _cancel_rejected(Sessions* s, const Report* report) noexcept nogil:
    cdef OuchCancelReject m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, report.session, out, ouch50_encode_cancel_reject(&m, out))
    return STATUS_OK


cdef int _modified(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef OuchOrderModified m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.side = event.side
    m.quantity = event.quantity
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, report.session, out, ouch50_encode_order_modified(&m, out))
    return STATUS_OK


cdef int _moved(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    """A displayed peg has another price, and another place in the feed."""
    cdef OuchOrderPriorityUpdate m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.price = <uint64_t>event.price
    m.display = DISPLAY_ATTRIBUTED if event.flags & EVENT_ATTRIBUTED else DISPLAY_YES
    m.order_ref = event.order_ref
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, report.session, out, ouch50_encode_order_priority_update(&m, out))
    return STATUS_OK


cdef int _replenished(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    """OUCH: restated, a refresh of the display; the options say as what it stands in the feed."""
    cdef OuchOrderRestated m
    cdef OuchOptions options
    cdef uint8_t appendage[OUCH50_APPENDAGE_BYTES_MAX]
    cdef uint8_t out[REPLY_BYTES_MAX]
    options.present = 0
    ouch50_set(&options, OUCH50_TAG_SECONDARY_ORD_REF_NUM, event.order_ref)
    ouch50_set(&options, OUCH50_TAG_DISPLAY_QUANTITY, event.quantity)
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.reason = REASON_REFRESH
    m.appendage = appendage
    m.appendage_bytes = <uint16_t>ouch50_encode_options(&options, appendage)
    sessions_reply(s, report.session, out, ouch50_encode_order_restated(&m, out))
    return STATUS_OK


cdef int _broken(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef const OrderFacts* facts = report.facts
    cdef OuchBrokenTrade m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = report.user_ref
    m.match_number = event.other
    m.reason = event.reason
    memset(m.cl_ord_id, b' ', CL_ORD_ID_BYTES)
    if facts.client_order_id[0] != 0:
        memcpy(m.cl_ord_id, facts.client_order_id, CL_ORD_ID_BYTES)
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, report.session, out, ouch50_encode_broken_trade(&m, out))
    return STATUS_OK


cdef inline void _named_firm(const Sessions* s, uint32_t session, bint is_given,
                             char* out) noexcept nogil:
    """As the member named it: OUCH's field, or blanks."""
    memset(out, b' ', 4)
    if is_given:
        memcpy(out, sessions_defined(s, session).firm, 4)


cdef int _mass_cancelled(Sessions* s, const Report* report) noexcept nogil:
    """The answer comes with the last step: CONTINUE says of the request what it needs."""
    cdef const CommandHeader* request = report.command
    cdef bint firm_given, symbol_given
    cdef OuchMassCancelResponse m
    cdef uint8_t out[REPLY_BYTES_MAX]
    if request.type == COMMAND_MASS_CANCEL:
        firm_given = (<const MassCancel*>request).firm_given
        symbol_given = (<const MassCancel*>request).symbol_given
    elif request.type == COMMAND_CONTINUE:
        firm_given = (<const ContinueCommand*>request).firm_given
        symbol_given = (<const ContinueCommand*>request).symbol_given
    else:
        return STATUS_CORRUPT
    memset(&m, 0, sizeof(m))
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = request.user_ref
    _named_firm(s, request.session, firm_given, m.firm)
    memset(m.symbol, b' ', 8)
    if symbol_given:
        directory_symbol(&s.facts.directory, request.instrument, m.symbol)
    sessions_reply(s, request.session, out, ouch50_encode_mass_cancel_response(&m, out))
    return STATUS_OK


cdef int _entry_switched(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef const EntrySwitch* request = <const EntrySwitch*>report.command
    cdef uint32_t session = request.header.session
    cdef OuchDisableOrderEntryResponse disabled
    cdef OuchEnableOrderEntryResponse enabled
    cdef uint8_t out[REPLY_BYTES_MAX]
    if (request.header.type != COMMAND_DISABLE_ORDER_ENTRY
            and request.header.type != COMMAND_ENABLE_ORDER_ENTRY):
        return STATUS_CORRUPT
    if event.type == EVENT_ORDER_ENTRY_DISABLED:
        memset(&disabled, 0, sizeof(disabled))
        disabled.timestamp = sessions_day_ns(s)
        disabled.user_ref_num = request.header.user_ref
        _named_firm(s, session, request.firm_given, disabled.firm)
        sessions_reply(s, session, out, ouch50_encode_disable_order_entry_response(&disabled, out))
    else:
        memset(&enabled, 0, sizeof(enabled))
        enabled.timestamp = sessions_day_ns(s)
        enabled.user_ref_num = request.header.user_ref
        _named_firm(s, session, request.firm_given, enabled.firm)
        sessions_reply(s, session, out, ouch50_encode_enable_order_entry_response(&enabled, out))
    return STATUS_OK


cdef int _queried(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef OuchAccountQueryResponse m
    cdef uint8_t out[REPLY_BYTES_MAX]
    memset(&m, 0, sizeof(m))
    m.timestamp = sessions_day_ns(s)
    m.next_user_ref_num = event.quantity
    sessions_reply(s, report.session, out, ouch50_encode_account_query_response(&m, out))
    return STATUS_OK


cdef int _day(Sessions* s, const Report* report, const Event* event) noexcept nogil:
    cdef OuchSystemEvent m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.event_code = (<const SystemEventCommand*>report.command).event_code
    sessions_reply(s, report.session, out, ouch50_encode_system_event(&m, out))
    return STATUS_OK


cdef int ouch_report(Sessions* s, const Report* report) noexcept nogil:
    cdef const Event* event = report.event
    if report.kind == REPORT_EXECUTED:
        return _executed(s, report, event)
    if report.kind == REPORT_ACCEPTED:
        return _accepted(s, report, event)
    if report.kind == REPORT_CANCELED:
        return _canceled(s, report, event)
    if report.kind == REPORT_PREVENTED:
        return _prevented(s, report, event)
    if report.kind == REPORT_REPLACED:
        return _replaced(s, report, event)
    if report.kind == REPORT_REJECTED:
        return _rejected(s, report, event)
    if report.kind == REPORT_MODIFIED:
        return _modified(s, report, event)
    if report.kind == REPORT_CANCEL_REJECTED:
        return _cancel_rejected(s, report)
    if report.kind == REPORT_REPLENISHED:
        return _moved(s, report, event) if event.reason else _replenished(s, report, event)
    if report.kind == REPORT_BROKEN:
        return _broken(s, report, event)
    if report.kind == REPORT_DAY:
        return _day(s, report, event)
    if event.type == EVENT_MASS_CANCEL_RESPONSE:
        return _mass_cancelled(s, report)
    if event.type == EVENT_ORDER_ENTRY_DISABLED or event.type == EVENT_ORDER_ENTRY_ENABLED:
        return _entry_switched(s, report, event)
    return _queried(s, report, event)
