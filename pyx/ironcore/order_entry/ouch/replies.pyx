"""What one event tells the sessions that it concerns, as OUCH 5.0 replies."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK
from ironcore.stream.directory cimport directory_symbol
from ironcore.order_entry.session_state cimport (
    OrderFacts, Session, Sessions, sessions_day_ns, sessions_defined, sessions_facts,
    sessions_owner, sessions_reply, sessions_user_ref,
)
from ironcore.stream.walk cimport walk_command
from ironcore.wire.order_options cimport (
    NAMED_SELF_TRADE_PREVENTION, OrderOptions, options_to_tags,
)
from ironcore.wire.ouch50_account cimport (
    OuchAccountQueryResponse, OuchDisableOrderEntryResponse, OuchEnableOrderEntryResponse,
    OuchMassCancelResponse, ouch50_encode_account_query_response,
    ouch50_encode_disable_order_entry_response, ouch50_encode_enable_order_entry_response,
    ouch50_encode_mass_cancel_response,
)
from ironcore.wire.ouch50_appendage cimport (
    OUCH50_APPENDAGE_BYTES_MAX, OUCH50_TAG_DISPLAY_QUANTITY, OUCH50_TAG_SECONDARY_ORD_REF_NUM,
    OuchOptions, ouch50_encode_options, ouch50_set,
)
from ironcore.wire.ouch50_outbound cimport (
    OuchAIQCanceled, OuchBrokenTrade, OuchOrderAccepted, OuchOrderCanceled, OuchOrderExecuted,
    OuchOrderModified, OuchOrderReplaced, OuchOrderRestated, OuchRejected,
    ouch50_encode_aiq_canceled, ouch50_encode_broken_trade, ouch50_encode_order_accepted,
    ouch50_encode_order_canceled, ouch50_encode_order_executed, ouch50_encode_order_modified,
    ouch50_encode_order_replaced, ouch50_encode_order_restated, ouch50_encode_rejected,
)
from ironcore.wire.record cimport (
    COMMAND_DISABLE_ORDER_ENTRY, COMMAND_ENABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER,
    COMMAND_MASS_CANCEL, COMMAND_REPLACE_ORDER, EVENT_ACCEPTED, EVENT_ACCOUNT_QUERY_RESPONSE,
    EVENT_ACTIVATED, EVENT_BROKEN, EVENT_CANCELED, EVENT_CROSSED, EVENT_EXECUTED,
    EVENT_MASS_CANCEL_RESPONSE, EVENT_MODIFIED, EVENT_ORDER_ENTRY_DISABLED,
    EVENT_ORDER_ENTRY_ENABLED, EVENT_REJECTED, EVENT_REPLACED, EVENT_REPLENISHED, EVENT_VISIBLE,
    CommandHeader, EnterOrder, EntrySwitch, Event, MassCancel,
    ReplaceOrder,
)

cdef enum:
    LIQUIDITY_ADDED = 0x41           # 'A'
    LIQUIDITY_ADDED_HIDDEN = 0x4A    # 'J'
    LIQUIDITY_REMOVED = 0x52         # 'R'
    REASON_REFRESH = 0x52            # 'R' of OrderRestated
    REASON_SELF_TRADE = 0x51         # 'Q' of CANCELED


cdef inline const OrderOptions* _options_of(const CommandHeader* header,
                                            size_t fixed_bytes) noexcept nogil:
    """Those of an order or a replacement, or NULL."""
    if header.record_bytes < fixed_bytes + sizeof(OrderOptions):
        return NULL
    return <const OrderOptions*>(<const uint8_t*>header + fixed_bytes)


cdef inline uint8_t _stp_mode(const OrderOptions* options, uint8_t otherwise) noexcept nogil:
    """The self-trade prevention that the options name."""
    if options == NULL or not options.named & NAMED_SELF_TRADE_PREVENTION:
        return otherwise
    return options.stp_mode


cdef uint16_t _appendage(const OrderOptions* options, uint8_t* out) noexcept nogil:
    """The options as OUCH tells them, in the order of their tags; its length."""
    cdef OuchOptions found
    if options == NULL:
        return 0
    found.present = options_to_tags(options, found.values)
    return <uint16_t>ouch50_encode_options(&found, out)


cdef inline uint8_t _session_stp_mode(const Sessions* s, uint32_t session) noexcept nogil:
    """Of orders that do not name one."""
    cdef uint8_t mode = sessions_defined(s, session).stp_mode
    return mode if mode else <uint8_t>c'-'


cdef int _accepted(Sessions* s, const Event* event) noexcept nogil:
    cdef const EnterOrder* order = <const EnterOrder*>s.walk.command
    cdef const OrderOptions* options = _options_of(&order.header, sizeof(EnterOrder))
    cdef OuchOrderAccepted m
    cdef OrderFacts* facts
    cdef uint8_t appendage[OUCH50_APPENDAGE_BYTES_MAX]
    cdef uint8_t out[REPLY_BYTES_MAX]
    if order.header.type != COMMAND_ENTER_ORDER:
        return STATUS_CORRUPT
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = order.header.user_ref
    m.side = order.side
    m.quantity = event.quantity
    directory_symbol(&s.facts.directory, order.header.instrument, m.symbol)
    m.price = <uint64_t>order.price
    m.time_in_force = order.time_in_force
    m.display = order.display
    m.order_ref = event.order_ref
    m.capacity = order.capacity
    m.iso = order.iso
    m.cross_type = order.cross_type
    m.order_state = event.reason
    memcpy(m.cl_ord_id, order.client_order_id, 14)
    m.appendage = appendage
    m.appendage_bytes = _appendage(options, appendage)
    if order.header.user_ref >> s.user_ref_bits == 0:
        facts = &s.session[order.header.session].orders[order.header.user_ref]
        facts.instrument = order.header.instrument
        facts.capacity = order.capacity
        facts.iso = order.iso
        facts.cross_type = order.cross_type
        facts.display = order.display
        facts.stp_mode = _stp_mode(options, _session_stp_mode(s, order.header.session))
        memcpy(facts.cl_ord_id, order.client_order_id, 14)
    sessions_reply(s, order.header.session, out, ouch50_encode_order_accepted(&m, out))
    return STATUS_OK


cdef int _replaced(Sessions* s, const Event* event) noexcept nogil:
    cdef const ReplaceOrder* order = <const ReplaceOrder*>s.walk.command
    cdef Session* owner = &s.session[order.header.session]
    cdef const OrderOptions* options = _options_of(&order.header, sizeof(ReplaceOrder))
    cdef OuchOrderReplaced m
    cdef OrderFacts* facts
    cdef uint8_t appendage[OUCH50_APPENDAGE_BYTES_MAX]
    cdef uint8_t out[REPLY_BYTES_MAX]
    if (order.header.type != COMMAND_REPLACE_ORDER
            or order.header.user_ref >> s.user_ref_bits != 0
            or order.orig_user_ref >> s.user_ref_bits != 0):
        return STATUS_CORRUPT
    facts = &owner.orders[order.header.user_ref]
    facts[0] = owner.orders[order.orig_user_ref]
    facts.iso = order.iso
    facts.display = order.display
    facts.stp_mode = _stp_mode(options, facts.stp_mode)
    memcpy(facts.cl_ord_id, order.client_order_id, 14)
    m.timestamp = sessions_day_ns(s)
    m.orig_user_ref_num = order.orig_user_ref
    m.user_ref_num = order.header.user_ref
    m.side = event.side
    m.quantity = event.quantity
    directory_symbol(&s.facts.directory, facts.instrument, m.symbol)
    m.price = <uint64_t>order.price
    m.time_in_force = order.time_in_force
    m.display = order.display
    m.order_ref = event.order_ref
    m.capacity = facts.capacity
    m.iso = order.iso
    m.cross_type = facts.cross_type
    m.order_state = event.reason
    memcpy(m.cl_ord_id, order.client_order_id, 14)
    m.appendage = appendage
    m.appendage_bytes = _appendage(options, appendage)
    sessions_reply(s, order.header.session, out, ouch50_encode_order_replaced(&m, out))
    return STATUS_OK


cdef int _rejected(Sessions* s, const Event* event) noexcept nogil:
    cdef const CommandHeader* header = <const CommandHeader*>s.walk.command
    cdef OuchRejected m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = header.user_ref
    m.reason = <uint16_t>event.slot
    memset(m.cl_ord_id, b' ', 14)
    if header.type == COMMAND_ENTER_ORDER:
        memcpy(m.cl_ord_id, (<const EnterOrder*>s.walk.command).client_order_id, 14)
    elif header.type == COMMAND_REPLACE_ORDER:
        memcpy(m.cl_ord_id, (<const ReplaceOrder*>s.walk.command).client_order_id, 14)
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, header.session, out, ouch50_encode_rejected(&m, out))
    return STATUS_OK


cdef inline void _fill(Sessions* s, const Event* event, uint32_t slot,
                       uint8_t liquidity_flag) noexcept nogil:
    cdef OuchOrderExecuted m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = sessions_user_ref(s, slot)
    m.quantity = event.quantity
    m.price = <uint64_t>event.price
    m.liquidity_flag = liquidity_flag
    m.match_number = event.other
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, slot >> s.user_ref_bits, out, ouch50_encode_order_executed(&m, out))


cdef int _executed(Sessions* s, const Event* event) noexcept nogil:
    """Both sides hear of a trade: the resting order's owner first, as the book did."""
    if sessions_owner(s, s.aggressor) == 0:
        return STATUS_CORRUPT
    _fill(s, event, event.slot,
          LIQUIDITY_ADDED if event.flags & EVENT_VISIBLE else LIQUIDITY_ADDED_HIDDEN)
    _fill(s, event, s.aggressor, LIQUIDITY_REMOVED)
    return STATUS_OK


cdef int _prevented(Sessions* s, const Event* event) noexcept nogil:
    """The stream says what the order lost, and not the part of it that would have executed.

    A peg that moves and meets only orders of its own group is not named as the aggressor.
    """
    cdef OuchAIQCanceled m
    cdef uint8_t out[REPLY_BYTES_MAX]
    cdef uint32_t aggressor = s.aggressor if sessions_owner(s, s.aggressor) else event.slot
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = sessions_user_ref(s, event.slot)
    m.decrement_shares = event.quantity
    m.reason = event.reason
    m.quantity_prevented = event.quantity
    m.execution_price = <uint64_t>event.price
    m.liquidity_flag = LIQUIDITY_REMOVED if event.slot == aggressor else LIQUIDITY_ADDED
    m.aiq_strategy = sessions_facts(s, aggressor).stp_mode
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, event.slot >> s.user_ref_bits, out, ouch50_encode_aiq_canceled(&m, out))
    return STATUS_OK


cdef int _canceled(Sessions* s, const Event* event) noexcept nogil:
    cdef OuchOrderCanceled m
    cdef uint8_t out[REPLY_BYTES_MAX]
    if event.reason == REASON_SELF_TRADE:
        return _prevented(s, event)
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = sessions_user_ref(s, event.slot)
    m.quantity = event.quantity
    m.reason = event.reason
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, event.slot >> s.user_ref_bits, out, ouch50_encode_order_canceled(&m, out))
    return STATUS_OK


cdef int _modified(Sessions* s, const Event* event) noexcept nogil:
    cdef OuchOrderModified m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = sessions_user_ref(s, event.slot)
    m.side = event.side
    m.quantity = event.quantity
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, event.slot >> s.user_ref_bits, out, ouch50_encode_order_modified(&m, out))
    return STATUS_OK


cdef int _replenished(Sessions* s, const Event* event) noexcept nogil:
    """OUCH: restated, a refresh of the display; the options say as what it stands in the feed."""
    cdef OuchOrderRestated m
    cdef OuchOptions options
    cdef uint8_t appendage[OUCH50_APPENDAGE_BYTES_MAX]
    cdef uint8_t out[REPLY_BYTES_MAX]
    options.present = 0
    ouch50_set(&options, OUCH50_TAG_SECONDARY_ORD_REF_NUM, event.order_ref)
    ouch50_set(&options, OUCH50_TAG_DISPLAY_QUANTITY, event.quantity)
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = sessions_user_ref(s, event.slot)
    m.reason = REASON_REFRESH
    m.appendage = appendage
    m.appendage_bytes = <uint16_t>ouch50_encode_options(&options, appendage)
    sessions_reply(s, event.slot >> s.user_ref_bits, out, ouch50_encode_order_restated(&m, out))
    return STATUS_OK


cdef int _broken(Sessions* s, const Event* event) noexcept nogil:
    cdef const OrderFacts* facts = sessions_facts(s, event.slot)
    cdef OuchBrokenTrade m
    cdef uint8_t out[REPLY_BYTES_MAX]
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = sessions_user_ref(s, event.slot)
    m.match_number = event.other
    m.reason = event.reason
    memset(m.cl_ord_id, b' ', 14)
    if facts.cl_ord_id[0] != 0:
        memcpy(m.cl_ord_id, facts.cl_ord_id, 14)
    m.appendage = NULL
    m.appendage_bytes = 0
    sessions_reply(s, event.slot >> s.user_ref_bits, out, ouch50_encode_broken_trade(&m, out))
    return STATUS_OK


cdef int _activated(Sessions* s, const Event* event) noexcept nogil:
    """Its owner knows the order; what follows executes against it."""
    s.aggressor = event.slot
    return STATUS_OK


cdef int _crossed(Sessions* s, const Event* event) noexcept nogil:
    """OUCH's liquidity flags of crosses are the letters of their types."""
    _fill(s, event, event.slot, event.reason)
    return STATUS_OK


cdef inline void _named_firm(const Sessions* s, uint32_t session, bint is_given,
                             char* out) noexcept nogil:
    """As the member named it: OUCH's field, or blanks."""
    memset(out, b' ', 4)
    if is_given:
        memcpy(out, sessions_defined(s, session).firm, 4)


cdef int _mass_cancelled(Sessions* s) noexcept nogil:
    cdef const MassCancel* request = <const MassCancel*>s.walk.command
    cdef OuchMassCancelResponse m
    cdef uint8_t out[REPLY_BYTES_MAX]
    if request.header.type != COMMAND_MASS_CANCEL:
        return STATUS_CORRUPT
    memset(&m, 0, sizeof(m))
    m.timestamp = sessions_day_ns(s)
    m.user_ref_num = request.header.user_ref
    _named_firm(s, request.header.session, request.firm_given, m.firm)
    memset(m.symbol, b' ', 8)
    if request.symbol_given:
        directory_symbol(&s.facts.directory, request.header.instrument, m.symbol)
    sessions_reply(s, request.header.session, out, ouch50_encode_mass_cancel_response(&m, out))
    return STATUS_OK


cdef int _entry_switched(Sessions* s, const Event* event) noexcept nogil:
    cdef const EntrySwitch* request = <const EntrySwitch*>s.walk.command
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


cdef int _queried(Sessions* s, const Event* event) noexcept nogil:
    cdef OuchAccountQueryResponse m
    cdef uint8_t out[REPLY_BYTES_MAX]
    memset(&m, 0, sizeof(m))
    m.timestamp = sessions_day_ns(s)
    m.next_user_ref_num = event.quantity
    sessions_reply(s, walk_command(&s.walk).session, out,
                   ouch50_encode_account_query_response(&m, out))
    return STATUS_OK


cdef inline bint _is_of_order(uint8_t event_type) noexcept nogil:
    return (event_type == EVENT_EXECUTED or event_type == EVENT_CANCELED
            or event_type == EVENT_MODIFIED or event_type == EVENT_REPLENISHED
            or event_type == EVENT_ACTIVATED or event_type == EVENT_CROSSED
            or event_type == EVENT_BROKEN)


cdef int session_event_replies(Sessions* s, const Event* event) noexcept nogil:
    if _is_of_order(event.type) and sessions_owner(s, event.slot) == 0:
        return STATUS_CORRUPT
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
    if event.type == EVENT_REPLENISHED:
        return _replenished(s, event)
    if event.type == EVENT_ACTIVATED:
        return _activated(s, event)
    if event.type == EVENT_CROSSED:
        return _crossed(s, event)
    if event.type == EVENT_BROKEN:
        return _broken(s, event)
    if event.type == EVENT_MASS_CANCEL_RESPONSE:
        return _mass_cancelled(s)
    if event.type == EVENT_ORDER_ENTRY_DISABLED or event.type == EVENT_ORDER_ENTRY_ENABLED:
        return _entry_switched(s, event)
    if event.type == EVENT_ACCOUNT_QUERY_RESPONSE:
        return _queried(s, event)
    return STATUS_OK                 # what concerns the visible book only
