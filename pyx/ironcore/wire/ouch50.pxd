# OUCH 5.0 as a whole: any message of one direction, for whoever handles all of them alike.

from libc.stdint cimport uint8_t

from ironcore.base.status cimport Status
from ironcore.wire.ouch50_account cimport (
    OuchAccountQueryResponse, OuchDisableOrderEntryResponse, OuchEnableOrderEntryResponse,
    OuchMassCancelResponse, OuchSystemEvent,
)
from ironcore.wire.ouch50_inbound cimport (
    OuchAccountQuery, OuchCancelOrder, OuchDisableOrderEntry, OuchEnableOrderEntry, OuchEnterOrder,
    OuchMassCancel, OuchModifyOrder, OuchReplaceOrder,
)
from ironcore.wire.ouch50_outbound cimport (
    OuchAIQCanceled, OuchBrokenTrade, OuchCancelPending, OuchCancelReject, OuchOrderAccepted,
    OuchOrderCanceled, OuchOrderExecuted, OuchOrderModified, OuchOrderPriorityUpdate,
    OuchOrderReplaced, OuchOrderRestated, OuchRejected,
)

cdef enum:
    OUCH50_FIXED_BYTES_MAX = 68      # the longest fixed part (OrderReplaced)

cdef union OuchInbound:
    OuchEnterOrder enter_order
    OuchReplaceOrder replace_order
    OuchCancelOrder cancel_order
    OuchModifyOrder modify_order
    OuchMassCancel mass_cancel
    OuchDisableOrderEntry disable_order_entry
    OuchEnableOrderEntry enable_order_entry
    OuchAccountQuery account_query

cdef union OuchOutbound:
    OuchSystemEvent system_event
    OuchOrderAccepted order_accepted
    OuchOrderReplaced order_replaced
    OuchOrderCanceled order_canceled
    OuchAIQCanceled aiq_canceled
    OuchOrderExecuted order_executed
    OuchBrokenTrade broken_trade
    OuchRejected rejected
    OuchCancelPending cancel_pending
    OuchCancelReject cancel_reject
    OuchOrderPriorityUpdate order_priority_update
    OuchOrderModified order_modified
    OuchOrderRestated order_restated
    OuchMassCancelResponse mass_cancel_response
    OuchDisableOrderEntryResponse disable_order_entry_response
    OuchEnableOrderEntryResponse enable_order_entry_response
    OuchAccountQueryResponse account_query_response

# The message that the type byte at the start names; statuses as of the single decoders.
cdef Status ouch50_decode_inbound(const uint8_t* buffer, size_t bytes,
                                  OuchInbound* out) noexcept nogil
cdef Status ouch50_decode_outbound(const uint8_t* buffer, size_t bytes,
                                   OuchOutbound* out) noexcept nogil
# The bytes written; 0 for an unknown type.
cdef size_t ouch50_encode_inbound(uint8_t message_type, const OuchInbound* message,
                                  uint8_t* out) noexcept nogil
cdef size_t ouch50_encode_outbound(uint8_t message_type, const OuchOutbound* message,
                                   uint8_t* out) noexcept nogil
