"""OUCH 5.0 as a whole, and its face to Python: messages as dicts, appendages as dicts in them."""

from libc.stdint cimport uint8_t, uint16_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_OK, STATUS_TRUNCATED, STATUS_UNKNOWN_TYPE, Status
from ironcore.wire.layout cimport Layout, Protocol
from ironcore.wire.ouch50_account cimport (
    OUCH50_ACCOUNT_QUERY_RESPONSE, OUCH50_DISABLE_ORDER_ENTRY_RESPONSE,
    OUCH50_ENABLE_ORDER_ENTRY_RESPONSE, OUCH50_MASS_CANCEL_RESPONSE, OUCH50_SYSTEM_EVENT,
    ouch50_decode_account_query_response, ouch50_decode_disable_order_entry_response,
    ouch50_decode_enable_order_entry_response, ouch50_decode_mass_cancel_response,
    ouch50_decode_system_event, ouch50_encode_account_query_response,
    ouch50_encode_disable_order_entry_response, ouch50_encode_enable_order_entry_response,
    ouch50_encode_mass_cancel_response, ouch50_encode_system_event,
)
from ironcore.wire.ouch50_appendage cimport ouch50_appendage_bytes, ouch50_appendage_dict
from ironcore.wire.ouch50_inbound cimport (
    OUCH50_ACCOUNT_QUERY, OUCH50_CANCEL_ORDER, OUCH50_DISABLE_ORDER_ENTRY,
    OUCH50_ENABLE_ORDER_ENTRY, OUCH50_ENTER_ORDER, OUCH50_MASS_CANCEL, OUCH50_MODIFY_ORDER,
    OUCH50_REPLACE_ORDER, ouch50_decode_account_query, ouch50_decode_cancel_order,
    ouch50_decode_disable_order_entry, ouch50_decode_enable_order_entry, ouch50_decode_enter_order,
    ouch50_decode_mass_cancel, ouch50_decode_modify_order, ouch50_decode_replace_order,
    ouch50_encode_account_query, ouch50_encode_cancel_order, ouch50_encode_disable_order_entry,
    ouch50_encode_enable_order_entry, ouch50_encode_enter_order, ouch50_encode_mass_cancel,
    ouch50_encode_modify_order, ouch50_encode_replace_order,
)
from ironcore.wire.ouch50_outbound cimport (
    OUCH50_AIQ_CANCELED, OUCH50_BROKEN_TRADE, OUCH50_CANCEL_PENDING, OUCH50_CANCEL_REJECT,
    OUCH50_ORDER_ACCEPTED, OUCH50_ORDER_CANCELED, OUCH50_ORDER_EXECUTED, OUCH50_ORDER_MODIFIED,
    OUCH50_ORDER_PRIORITY_UPDATE, OUCH50_ORDER_REPLACED, OUCH50_ORDER_RESTATED, OUCH50_REJECTED,
    ouch50_decode_aiq_canceled, ouch50_decode_broken_trade, ouch50_decode_cancel_pending,
    ouch50_decode_cancel_reject, ouch50_decode_order_accepted, ouch50_decode_order_canceled,
    ouch50_decode_order_executed, ouch50_decode_order_modified, ouch50_decode_order_priority_update,
    ouch50_decode_order_replaced, ouch50_decode_order_restated, ouch50_decode_rejected,
    ouch50_encode_aiq_canceled, ouch50_encode_broken_trade, ouch50_encode_cancel_pending,
    ouch50_encode_cancel_reject, ouch50_encode_order_accepted, ouch50_encode_order_canceled,
    ouch50_encode_order_executed, ouch50_encode_order_modified, ouch50_encode_order_priority_update,
    ouch50_encode_order_replaced, ouch50_encode_order_restated, ouch50_encode_rejected,
)


cdef Status ouch50_decode_inbound(const uint8_t* buffer, size_t bytes,
                                  OuchInbound* out) noexcept nogil:
    if bytes == 0:
        return STATUS_TRUNCATED
    if buffer[0] == OUCH50_ENTER_ORDER:
        return ouch50_decode_enter_order(buffer, bytes, &out.enter_order)
    if buffer[0] == OUCH50_REPLACE_ORDER:
        return ouch50_decode_replace_order(buffer, bytes, &out.replace_order)
    if buffer[0] == OUCH50_CANCEL_ORDER:
        return ouch50_decode_cancel_order(buffer, bytes, &out.cancel_order)
    if buffer[0] == OUCH50_MODIFY_ORDER:
        return ouch50_decode_modify_order(buffer, bytes, &out.modify_order)
    if buffer[0] == OUCH50_MASS_CANCEL:
        return ouch50_decode_mass_cancel(buffer, bytes, &out.mass_cancel)
    if buffer[0] == OUCH50_DISABLE_ORDER_ENTRY:
        return ouch50_decode_disable_order_entry(buffer, bytes, &out.disable_order_entry)
    if buffer[0] == OUCH50_ENABLE_ORDER_ENTRY:
        return ouch50_decode_enable_order_entry(buffer, bytes, &out.enable_order_entry)
    if buffer[0] == OUCH50_ACCOUNT_QUERY:
        return ouch50_decode_account_query(buffer, bytes, &out.account_query)
    return STATUS_UNKNOWN_TYPE


cdef size_t ouch50_encode_inbound(uint8_t message_type, const OuchInbound* message,
                                  uint8_t* out) noexcept nogil:
    if message_type == OUCH50_ENTER_ORDER:
        return ouch50_encode_enter_order(&message.enter_order, out)
    if message_type == OUCH50_REPLACE_ORDER:
        return ouch50_encode_replace_order(&message.replace_order, out)
    if message_type == OUCH50_CANCEL_ORDER:
        return ouch50_encode_cancel_order(&message.cancel_order, out)
    if message_type == OUCH50_MODIFY_ORDER:
        return ouch50_encode_modify_order(&message.modify_order, out)
    if message_type == OUCH50_MASS_CANCEL:
        return ouch50_encode_mass_cancel(&message.mass_cancel, out)
    if message_type == OUCH50_DISABLE_ORDER_ENTRY:
        return ouch50_encode_disable_order_entry(&message.disable_order_entry, out)
    if message_type == OUCH50_ENABLE_ORDER_ENTRY:
        return ouch50_encode_enable_order_entry(&message.enable_order_entry, out)
    if message_type == OUCH50_ACCOUNT_QUERY:
        return ouch50_encode_account_query(&message.account_query, out)
    return 0


cdef Status ouch50_decode_outbound(const uint8_t* buffer, size_t bytes,
                                   OuchOutbound* out) noexcept nogil:
    if bytes == 0:
        return STATUS_TRUNCATED
    if buffer[0] == OUCH50_SYSTEM_EVENT:
        return ouch50_decode_system_event(buffer, bytes, &out.system_event)
    if buffer[0] == OUCH50_ORDER_ACCEPTED:
        return ouch50_decode_order_accepted(buffer, bytes, &out.order_accepted)
    if buffer[0] == OUCH50_ORDER_REPLACED:
        return ouch50_decode_order_replaced(buffer, bytes, &out.order_replaced)
    if buffer[0] == OUCH50_ORDER_CANCELED:
        return ouch50_decode_order_canceled(buffer, bytes, &out.order_canceled)
    if buffer[0] == OUCH50_AIQ_CANCELED:
        return ouch50_decode_aiq_canceled(buffer, bytes, &out.aiq_canceled)
    if buffer[0] == OUCH50_ORDER_EXECUTED:
        return ouch50_decode_order_executed(buffer, bytes, &out.order_executed)
    if buffer[0] == OUCH50_BROKEN_TRADE:
        return ouch50_decode_broken_trade(buffer, bytes, &out.broken_trade)
    if buffer[0] == OUCH50_REJECTED:
        return ouch50_decode_rejected(buffer, bytes, &out.rejected)
    if buffer[0] == OUCH50_CANCEL_PENDING:
        return ouch50_decode_cancel_pending(buffer, bytes, &out.cancel_pending)
    if buffer[0] == OUCH50_CANCEL_REJECT:
        return ouch50_decode_cancel_reject(buffer, bytes, &out.cancel_reject)
    if buffer[0] == OUCH50_ORDER_PRIORITY_UPDATE:
        return ouch50_decode_order_priority_update(buffer, bytes, &out.order_priority_update)
    if buffer[0] == OUCH50_ORDER_MODIFIED:
        return ouch50_decode_order_modified(buffer, bytes, &out.order_modified)
    if buffer[0] == OUCH50_ORDER_RESTATED:
        return ouch50_decode_order_restated(buffer, bytes, &out.order_restated)
    if buffer[0] == OUCH50_MASS_CANCEL_RESPONSE:
        return ouch50_decode_mass_cancel_response(buffer, bytes, &out.mass_cancel_response)
    if buffer[0] == OUCH50_DISABLE_ORDER_ENTRY_RESPONSE:
        return ouch50_decode_disable_order_entry_response(buffer, bytes,
                                                          &out.disable_order_entry_response)
    if buffer[0] == OUCH50_ENABLE_ORDER_ENTRY_RESPONSE:
        return ouch50_decode_enable_order_entry_response(buffer, bytes,
                                                         &out.enable_order_entry_response)
    if buffer[0] == OUCH50_ACCOUNT_QUERY_RESPONSE:
        return ouch50_decode_account_query_response(buffer, bytes, &out.account_query_response)
    return STATUS_UNKNOWN_TYPE


cdef size_t ouch50_encode_outbound(uint8_t message_type, const OuchOutbound* message,
                                   uint8_t* out) noexcept nogil:
    if message_type == OUCH50_SYSTEM_EVENT:
        return ouch50_encode_system_event(&message.system_event, out)
    if message_type == OUCH50_ORDER_ACCEPTED:
        return ouch50_encode_order_accepted(&message.order_accepted, out)
    if message_type == OUCH50_ORDER_REPLACED:
        return ouch50_encode_order_replaced(&message.order_replaced, out)
    if message_type == OUCH50_ORDER_CANCELED:
        return ouch50_encode_order_canceled(&message.order_canceled, out)
    if message_type == OUCH50_AIQ_CANCELED:
        return ouch50_encode_aiq_canceled(&message.aiq_canceled, out)
    if message_type == OUCH50_ORDER_EXECUTED:
        return ouch50_encode_order_executed(&message.order_executed, out)
    if message_type == OUCH50_BROKEN_TRADE:
        return ouch50_encode_broken_trade(&message.broken_trade, out)
    if message_type == OUCH50_REJECTED:
        return ouch50_encode_rejected(&message.rejected, out)
    if message_type == OUCH50_CANCEL_PENDING:
        return ouch50_encode_cancel_pending(&message.cancel_pending, out)
    if message_type == OUCH50_CANCEL_REJECT:
        return ouch50_encode_cancel_reject(&message.cancel_reject, out)
    if message_type == OUCH50_ORDER_PRIORITY_UPDATE:
        return ouch50_encode_order_priority_update(&message.order_priority_update, out)
    if message_type == OUCH50_ORDER_MODIFIED:
        return ouch50_encode_order_modified(&message.order_modified, out)
    if message_type == OUCH50_ORDER_RESTATED:
        return ouch50_encode_order_restated(&message.order_restated, out)
    if message_type == OUCH50_MASS_CANCEL_RESPONSE:
        return ouch50_encode_mass_cancel_response(&message.mass_cancel_response, out)
    if message_type == OUCH50_DISABLE_ORDER_ENTRY_RESPONSE:
        return ouch50_encode_disable_order_entry_response(&message.disable_order_entry_response,
                                                          out)
    if message_type == OUCH50_ENABLE_ORDER_ENTRY_RESPONSE:
        return ouch50_encode_enable_order_entry_response(&message.enable_order_entry_response, out)
    if message_type == OUCH50_ACCOUNT_QUERY_RESPONSE:
        return ouch50_encode_account_query_response(&message.account_query_response, out)
    return 0


cdef Protocol _inbound = Protocol("OUCH inbound", """
O EnterOrder 47+ user_ref_num:u4 side:c quantity:u4 symbol:a8 price:u8 time_in_force:c display:c
    capacity:c iso:c cross_type:c cl_ord_id:a14
U ReplaceOrder 40+ orig_user_ref_num:u4 user_ref_num:u4 quantity:u4 price:u8 time_in_force:c
    display:c iso:c cl_ord_id:a14
X CancelOrder 9? user_ref_num:u4 quantity:u4
M ModifyOrder 10? user_ref_num:u4 side:c quantity:u4
C MassCancel 19+ user_ref_num:u4 firm:a4 symbol:a8
D DisableOrderEntry 11+ user_ref_num:u4 firm:a4
E EnableOrderEntry 11+ user_ref_num:u4 firm:a4
Q AccountQuery 1?
""", (
    sizeof(OuchEnterOrder),
    sizeof(OuchReplaceOrder),
    sizeof(OuchCancelOrder),
    sizeof(OuchModifyOrder),
    sizeof(OuchMassCancel),
    sizeof(OuchDisableOrderEntry),
    sizeof(OuchEnableOrderEntry),
    sizeof(OuchAccountQuery),
))

cdef Protocol _outbound = Protocol("OUCH outbound", """
S SystemEvent 10 timestamp:u8 event_code:c
A OrderAccepted 64+ timestamp:u8 user_ref_num:u4 side:c quantity:u4 symbol:a8 price:u8
    time_in_force:c display:c order_ref:u8 capacity:c iso:c cross_type:c order_state:c
    cl_ord_id:a14
U OrderReplaced 68+ timestamp:u8 orig_user_ref_num:u4 user_ref_num:u4 side:c quantity:u4 symbol:a8
    price:u8 time_in_force:c display:c order_ref:u8 capacity:c iso:c cross_type:c order_state:c
    cl_ord_id:a14
C OrderCanceled 18? timestamp:u8 user_ref_num:u4 quantity:u4 reason:c
D AIQCanceled 32? timestamp:u8 user_ref_num:u4 decrement_shares:u4 reason:c quantity_prevented:u4
    execution_price:u8 liquidity_flag:c aiq_strategy:c
E OrderExecuted 36+ timestamp:u8 user_ref_num:u4 quantity:u4 price:u8 liquidity_flag:c
    match_number:u8
B BrokenTrade 36? timestamp:u8 user_ref_num:u4 match_number:u8 reason:c cl_ord_id:a14
J Rejected 29? timestamp:u8 user_ref_num:u4 reason:u2 cl_ord_id:a14
P CancelPending 13? timestamp:u8 user_ref_num:u4
I CancelReject 13? timestamp:u8 user_ref_num:u4
T OrderPriorityUpdate 30? timestamp:u8 user_ref_num:u4 price:u8 display:c order_ref:u8
M OrderModified 18? timestamp:u8 user_ref_num:u4 side:c quantity:u4
R OrderRestated 16+ timestamp:u8 user_ref_num:u4 reason:c
X MassCancelResponse 27+ timestamp:u8 user_ref_num:u4 firm:a4 symbol:a8
G DisableOrderEntryResponse 19+ timestamp:u8 user_ref_num:u4 firm:a4
K EnableOrderEntryResponse 19+ timestamp:u8 user_ref_num:u4 firm:a4
Q AccountQueryResponse 13? timestamp:u8 next_user_ref_num:u4
""", (
    sizeof(OuchSystemEvent),
    sizeof(OuchOrderAccepted),
    sizeof(OuchOrderReplaced),
    sizeof(OuchOrderCanceled),
    sizeof(OuchAIQCanceled),
    sizeof(OuchOrderExecuted),
    sizeof(OuchBrokenTrade),
    sizeof(OuchRejected),
    sizeof(OuchCancelPending),
    sizeof(OuchCancelReject),
    sizeof(OuchOrderPriorityUpdate),
    sizeof(OuchOrderModified),
    sizeof(OuchOrderRestated),
    sizeof(OuchMassCancelResponse),
    sizeof(OuchDisableOrderEntryResponse),
    sizeof(OuchEnableOrderEntryResponse),
    sizeof(OuchAccountQueryResponse),
))


cdef dict _load(Layout layout, const uint8_t* host):
    """The struct as a dict, with its appendage as a dict in it."""
    cdef dict out = layout.load(host)
    cdef const uint8_t* appendage
    cdef uint16_t appendage_bytes
    if layout.tail:
        memcpy(&appendage, host + layout.tail_offset, sizeof(appendage))
        memcpy(&appendage_bytes, host + layout.tail_offset + sizeof(appendage),
               sizeof(appendage_bytes))
        out["appendage"] = ouch50_appendage_dict(layout, appendage, appendage_bytes)
    return out


cdef bytes _store(Layout layout, dict fields, uint8_t* host):
    """Fill the struct. It points into the appendage that is returned, which has to be kept."""
    cdef bytes appendage = b""
    cdef const uint8_t* start
    cdef uint16_t appendage_bytes
    if layout.tail:
        options = fields.pop("appendage", None)
        if options:
            appendage = ouch50_appendage_bytes(layout, options)
        start = appendage
        appendage_bytes = <uint16_t>len(appendage)
        memcpy(host + layout.tail_offset, &start, sizeof(start))
        memcpy(host + layout.tail_offset + sizeof(start), &appendage_bytes, sizeof(appendage_bytes))
    layout.store(fields, host)
    return appendage


def decode_inbound(const uint8_t[::1] data not None):
    """The message from client to venue in data as a dict: its `kind` and its fields."""
    cdef size_t bytes = <size_t>data.shape[0]
    cdef const uint8_t* buffer = &data[0] if bytes else NULL
    cdef Layout layout = _inbound.layout_of_type(buffer, bytes)
    cdef OuchInbound message
    if ouch50_decode_inbound(buffer, bytes, &message) != STATUS_OK:
        raise layout.size_error(buffer, bytes)
    return _load(layout, <const uint8_t*>&message)


def decode_outbound(const uint8_t[::1] data not None):
    """The message from venue to client in data as a dict: its `kind` and its fields."""
    cdef size_t bytes = <size_t>data.shape[0]
    cdef const uint8_t* buffer = &data[0] if bytes else NULL
    cdef Layout layout = _outbound.layout_of_type(buffer, bytes)
    cdef OuchOutbound message
    if ouch50_decode_outbound(buffer, bytes, &message) != STATUS_OK:
        raise layout.size_error(buffer, bytes)
    return _load(layout, <const uint8_t*>&message)


def encode_inbound(str kind not None, **fields):
    """The message of this kind from client to venue, as bytes."""
    cdef Layout layout = _inbound.layout_of_kind(kind)
    cdef OuchInbound message
    cdef bytes appendage = _store(layout, fields, <uint8_t*>&message)
    cdef bytearray out = bytearray(OUCH50_FIXED_BYTES_MAX + len(appendage))
    return bytes(out[:ouch50_encode_inbound(<uint8_t>layout.type, &message, <uint8_t*><char*>out)])


def encode_outbound(str kind not None, **fields):
    """The message of this kind from venue to client, as bytes."""
    cdef Layout layout = _outbound.layout_of_kind(kind)
    cdef OuchOutbound message
    cdef bytes appendage = _store(layout, fields, <uint8_t*>&message)
    cdef bytearray out = bytearray(OUCH50_FIXED_BYTES_MAX + len(appendage))
    return bytes(out[:ouch50_encode_outbound(<uint8_t>layout.type, &message, <uint8_t*><char*>out)])
