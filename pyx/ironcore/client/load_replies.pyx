"""Keeps account of the orders of one session of the load generator; see load_replies.pxd."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.check cimport iron_static_assert
from ironcore.base.histogram cimport Histogram, histogram_record
from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK, Status
from ironcore.wire.ouch50_account cimport (
    OUCH50_ACCOUNT_QUERY_RESPONSE, OuchAccountQueryResponse,
    ouch50_decode_account_query_response,
)
from ironcore.wire.ouch50_inbound cimport OUCH50_ENTER_ORDER, OUCH50_REPLACE_ORDER
from ironcore.wire.ouch50_outbound cimport (
    OUCH50_ORDER_ACCEPTED, OUCH50_ORDER_CANCELED, OUCH50_ORDER_EXECUTED, OUCH50_ORDER_REPLACED,
    OUCH50_REJECTED, OuchOrderAccepted, OuchOrderCanceled, OuchOrderExecuted, OuchOrderReplaced,
    OuchRejected, ouch50_decode_order_accepted, ouch50_decode_order_canceled,
    ouch50_decode_order_executed, ouch50_decode_order_replaced, ouch50_decode_rejected,
)

cdef enum:
    STATE_LIVE = 0x4C                # 'L'
    ORDER_STATE_BYTES = 24


cdef void _layout() noexcept nogil:
    iron_static_assert(sizeof(OrderState) == ORDER_STATE_BYTES)   # ironcore.client.load.ORDER


cdef OrderState* _order(Replies* replies, uint32_t wire_user_ref) noexcept nogil:
    cdef uint32_t user_ref = wire_user_ref - replies.user_ref_base
    if wire_user_ref <= replies.user_ref_base:
        replies.counts.others += 1
        return NULL
    if user_ref > replies.user_refs_max or replies.orders[user_ref].kind == 0:
        replies.counts.unknown += 1
        return NULL
    return &replies.orders[user_ref]


cdef void replies_sent(Replies* replies, uint8_t kind, uint32_t user_ref, uint32_t replaces,
                       uint64_t intended_ns) noexcept nogil:
    cdef OrderState* order = &replies.orders[user_ref]
    order.intended_ns = intended_ns
    order.kind = kind
    order.replaces = replaces
    replies.user_ref_sent = user_ref
    replies.enters_unacknowledged += kind == OUCH50_ENTER_ORDER


cdef void _pass_over(Replies* replies, uint32_t end) noexcept nogil:
    # All messages before user reference `end` were processed: those without an answer get none.
    cdef uint32_t user_ref
    cdef OrderState* order
    for user_ref in range(replies.user_ref_passed + 1, end):
        order = &replies.orders[user_ref]
        if order.acknowledgements != 0:
            continue
        if order.kind == OUCH50_REPLACE_ORDER and not replies.orders[order.replaces].live:
            replies.counts.ignored += 1
        else:
            replies.counts.missing += 1
            replies.enters_unacknowledged -= order.kind == OUCH50_ENTER_ORDER
    if end > replies.user_ref_passed + 1:
        replies.user_ref_passed = end - 1


cdef void _acknowledge(Replies* replies, OrderState* order, uint64_t now_ns,
                       Histogram* latency) noexcept nogil:
    cdef uint32_t user_ref = <uint32_t>(order - replies.orders)
    if order.acknowledgements != 0:
        order.acknowledgements += order.acknowledgements < 255
        replies.counts.duplicates += 1
        return
    if user_ref <= replies.user_ref_passed:
        # Passed over before, and it comes after all: out of the session's order.
        replies.counts.malformed += 1
        return
    _pass_over(replies, user_ref)
    replies.user_ref_passed = user_ref
    order.acknowledgements = 1
    replies.counts.acknowledged += 1
    replies.enters_unacknowledged -= order.kind == OUCH50_ENTER_ORDER
    histogram_record(latency, now_ns - order.intended_ns if now_ns > order.intended_ns else 0)


cdef void _reduce(OrderState* order, uint32_t quantity) noexcept nogil:
    order.open -= quantity if quantity < order.open else order.open
    if order.open == 0:
        order.live = 0


cdef Status _accepted(Replies* replies, const uint8_t* message, size_t bytes, uint64_t now_ns,
                      Histogram* latency) noexcept nogil:
    cdef OuchOrderAccepted accepted
    cdef OrderState* order
    cdef Status status = ouch50_decode_order_accepted(message, bytes, &accepted)
    if status == STATUS_OK:
        order = _order(replies, accepted.user_ref_num)
        if order != NULL:
            _acknowledge(replies, order, now_ns, latency)
            order.open = accepted.quantity
            order.live = accepted.order_state == STATE_LIVE
    return status


cdef Status _replaced(Replies* replies, const uint8_t* message, size_t bytes, uint64_t now_ns,
                      Histogram* latency) noexcept nogil:
    cdef OuchOrderReplaced replaced
    cdef OrderState* order
    cdef OrderState* old
    cdef Status status = ouch50_decode_order_replaced(message, bytes, &replaced)
    if status == STATUS_OK:
        order = _order(replies, replaced.user_ref_num)
        old = _order(replies, replaced.orig_user_ref_num)
        if order != NULL and old != NULL:
            _acknowledge(replies, order, now_ns, latency)
            old.open = 0
            old.live = 0
            order.open = replaced.quantity
            order.live = replaced.order_state == STATE_LIVE
    return status


cdef Status _rejected(Replies* replies, const uint8_t* message, size_t bytes, uint64_t now_ns,
                      Histogram* latency) noexcept nogil:
    cdef OuchRejected rejected
    cdef OrderState* order
    cdef Status status = ouch50_decode_rejected(message, bytes, &rejected)
    if status == STATUS_OK:
        order = _order(replies, rejected.user_ref_num)
        if order != NULL:
            _acknowledge(replies, order, now_ns, latency)
            replies.counts.rejected += 1
    return status


cdef Status _canceled(Replies* replies, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef OuchOrderCanceled canceled
    cdef OrderState* order
    cdef Status status = ouch50_decode_order_canceled(message, bytes, &canceled)
    if status == STATUS_OK:
        order = _order(replies, canceled.user_ref_num)
        if order != NULL:
            replies.counts.canceled += 1
            _reduce(order, canceled.quantity)
    return status


cdef Status _executed(Replies* replies, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef OuchOrderExecuted executed
    cdef OrderState* order
    cdef Status status = ouch50_decode_order_executed(message, bytes, &executed)
    if status == STATUS_OK:
        order = _order(replies, executed.user_ref_num)
        if order != NULL:
            replies.counts.executions += 1
            replies.counts.executed_quantity += executed.quantity
            _reduce(order, executed.quantity)
    return status


cdef Status _query_answered(Replies* replies, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef OuchAccountQueryResponse response
    cdef Status status = ouch50_decode_account_query_response(message, bytes, &response)
    if status == STATUS_OK:
        replies.user_ref_next = response.next_user_ref_num
        replies.queries_answered += 1
        _pass_over(replies, replies.user_ref_sent + 1)
    return status


cdef Status replies_take(Replies* replies, const uint8_t* message, size_t bytes, uint64_t now_ns,
                         Histogram* latency) noexcept nogil:
    cdef Status status = STATUS_OK
    if bytes == 0:
        status = STATUS_MALFORMED
    elif message[0] == OUCH50_ORDER_ACCEPTED:
        status = _accepted(replies, message, bytes, now_ns, latency)
    elif message[0] == OUCH50_ORDER_EXECUTED:
        status = _executed(replies, message, bytes)
    elif message[0] == OUCH50_ORDER_CANCELED:
        status = _canceled(replies, message, bytes)
    elif message[0] == OUCH50_ORDER_REPLACED:
        status = _replaced(replies, message, bytes, now_ns, latency)
    elif message[0] == OUCH50_REJECTED:
        status = _rejected(replies, message, bytes, now_ns, latency)
    elif message[0] == OUCH50_ACCOUNT_QUERY_RESPONSE:
        status = _query_answered(replies, message, bytes)
    else:
        replies.counts.others += 1
    replies.counts.malformed += status != STATUS_OK
    return status
