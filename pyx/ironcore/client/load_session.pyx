"""One session of the load generator; see load_session.pxd."""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove, memset

from ironcore.base.check cimport iron_static_assert
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.histogram cimport Histogram
from ironcore.base.status cimport STATUS_OK
from ironcore.client.load_replies cimport replies_sent, replies_take
from ironcore.wire.ouch50_inbound cimport (
    OUCH50_CANCEL_ORDER, OUCH50_ENTER_ORDER, OUCH50_REPLACE_ORDER, OuchAccountQuery,
    OuchCancelOrder, OuchEnterOrder, OuchReplaceOrder, ouch50_encode_account_query,
    ouch50_encode_cancel_order, ouch50_encode_enter_order, ouch50_encode_replace_order,
)
from ironcore.wire.soupbin cimport (
    SOUP_CLIENT_HEARTBEAT, SOUP_END_OF_SESSION, SOUP_HEADER_BYTES, SOUP_SEQUENCED_DATA,
    SOUP_UNSEQUENCED_DATA, soupbin_encode_empty, soupbin_encode_header, soupbin_next,
)

cdef extern from * nogil:
    """
    #include <sys/socket.h>
    static long iron_load_send(int fd, const void *data, size_t bytes) {
        return send(fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    static long iron_load_recv(int fd, void *data, size_t bytes) {
        return recv(fd, data, bytes, MSG_DONTWAIT);
    }
    """
    long iron_load_send(int fd, const void* data, size_t bytes)
    long iron_load_recv(int fd, void* data, size_t bytes)

cdef enum:
    OUT_BYTES = 65536
    RECEIVED_BYTES = 262144          # holds any SoupBinTCP packet
    PACKET_BYTES_MAX = 64            # the longest that is sent: an Enter without an appendage
    HEARTBEAT_NS = 1000000000
    OPERATION_BYTES = 32


cdef bint load_session_open(LoadSession* session, int fd) noexcept nogil:
    session.fd = fd
    session.out = <uint8_t*>malloc(OUT_BYTES)
    session.received = <uint8_t*>malloc(RECEIVED_BYTES)
    return session.out != NULL and session.received != NULL


cdef void load_session_close(LoadSession* session) noexcept nogil:
    free(session.out)
    free(session.received)


cdef void _layout() noexcept nogil:
    iron_static_assert(sizeof(Operation) == OPERATION_BYTES)      # ironpit.flow.OPERATION


cdef void load_session_flush(LoadSession* session, uint64_t now_ns) noexcept nogil:
    cdef long sent
    while session.out_start < session.out_end and not session.closed:
        sent = iron_load_send(session.fd, session.out + session.out_start,
                              session.out_end - session.out_start)
        if sent < 0:
            session.closed = errno != EAGAIN and errno != EINTR
            return
        session.out_start += <size_t>sent
        session.sent_ns = now_ns
    session.out_start = 0
    session.out_end = 0


cdef uint8_t* _room(LoadSession* session, uint64_t now_ns) noexcept nogil:
    # Where the next packet goes, or NULL while the venue takes no more.
    if session.out_end + PACKET_BYTES_MAX > OUT_BYTES:
        load_session_flush(session, now_ns)
        if session.out_start > 0:
            memmove(session.out, session.out + session.out_start,
                    session.out_end - session.out_start)
            session.out_end -= session.out_start
            session.out_start = 0
    if session.out_end + PACKET_BYTES_MAX > OUT_BYTES:
        return NULL
    return session.out + session.out_end


cdef int load_session_receive(LoadSession* session, Histogram* latency,
                              uint64_t* heard_ns) noexcept nogil:
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef size_t at = 0
    cdef uint8_t packet_type = 0
    cdef uint64_t now_ns
    cdef int taken = 0
    cdef long got = iron_load_recv(session.fd, session.received + session.received_bytes,
                                   RECEIVED_BYTES - session.received_bytes)
    if got <= 0:
        session.closed = got == 0 or (errno != EAGAIN and errno != EINTR)
        return 0
    now_ns = iron_clock_mono_ns()
    heard_ns[0] = now_ns
    session.received_bytes += <size_t>got
    while soupbin_next(session.received + at, session.received_bytes - at, &packet_type, &payload,
                       &payload_bytes, &packet_bytes) == STATUS_OK:
        if packet_type == SOUP_SEQUENCED_DATA:
            session.sequenced += 1
            taken += 1
            replies_take(&session.replies, payload, payload_bytes, now_ns, latency)
        elif packet_type == SOUP_END_OF_SESSION:
            session.closed = True
        at += packet_bytes
    session.received_bytes -= at
    if at > 0 and session.received_bytes > 0:
        memmove(session.received, session.received + at, session.received_bytes)
    return taken


cdef size_t _encode_enter(uint8_t* out, const Operation* operation, uint32_t user_ref_base,
                          const char* symbol) noexcept nogil:
    cdef OuchEnterOrder enter
    memset(&enter, 0, sizeof(enter))
    enter.user_ref_num = user_ref_base + operation.user_ref
    enter.side = operation.side
    enter.quantity = operation.quantity
    memcpy(enter.symbol, symbol, 8)
    enter.price = <uint64_t>operation.price
    enter.time_in_force = operation.time_in_force
    enter.display = c'Y'
    enter.capacity = c'P'
    enter.iso = c'N'
    enter.cross_type = c'N'
    memset(enter.cl_ord_id, c' ', sizeof(enter.cl_ord_id))
    return ouch50_encode_enter_order(&enter, out)


cdef size_t _encode_replace(uint8_t* out, const Operation* operation,
                            uint32_t user_ref_base) noexcept nogil:
    cdef OuchReplaceOrder replace
    memset(&replace, 0, sizeof(replace))
    replace.orig_user_ref_num = user_ref_base + operation.orig_user_ref
    replace.user_ref_num = user_ref_base + operation.user_ref
    replace.quantity = operation.quantity
    replace.price = <uint64_t>operation.price
    replace.time_in_force = operation.time_in_force
    replace.display = c'Y'
    replace.iso = c'N'
    memset(replace.cl_ord_id, c' ', sizeof(replace.cl_ord_id))
    return ouch50_encode_replace_order(&replace, out)


cdef size_t _encode_cancel(uint8_t* out, const Operation* operation,
                           uint32_t user_ref_base) noexcept nogil:
    cdef OuchCancelOrder cancel
    memset(&cancel, 0, sizeof(cancel))
    cancel.user_ref_num = user_ref_base + operation.user_ref
    cancel.quantity = operation.quantity
    return ouch50_encode_cancel_order(&cancel, out)


cdef bint load_session_send(LoadSession* session, const Operation* operation, const char* symbol,
                            uint64_t intended_ns) noexcept nogil:
    cdef uint8_t* out = _room(session, intended_ns)
    cdef uint32_t base = session.replies.user_ref_base
    cdef size_t bytes
    if out == NULL:
        return False
    if operation.kind == OUCH50_ENTER_ORDER:
        bytes = _encode_enter(out + SOUP_HEADER_BYTES, operation, base, symbol)
    elif operation.kind == OUCH50_REPLACE_ORDER:
        bytes = _encode_replace(out + SOUP_HEADER_BYTES, operation, base)
    else:
        bytes = _encode_cancel(out + SOUP_HEADER_BYTES, operation, base)
    soupbin_encode_header(out, SOUP_UNSEQUENCED_DATA, bytes)
    session.out_end += SOUP_HEADER_BYTES + bytes
    if operation.kind != OUCH50_CANCEL_ORDER:
        replies_sent(&session.replies, operation.kind, operation.user_ref,
                     operation.orig_user_ref, intended_ns)
    return True


cdef bint load_session_query(LoadSession* session, uint64_t now_ns) noexcept nogil:
    cdef OuchAccountQuery query
    cdef uint8_t* out = _room(session, now_ns)
    cdef size_t bytes
    if out == NULL:
        return False
    memset(&query, 0, sizeof(query))
    bytes = ouch50_encode_account_query(&query, out + SOUP_HEADER_BYTES)
    soupbin_encode_header(out, SOUP_UNSEQUENCED_DATA, bytes)
    session.out_end += SOUP_HEADER_BYTES + bytes
    session.queries_sent += 1
    return True


cdef void load_session_heartbeat(LoadSession* session, uint64_t now_ns) noexcept nogil:
    if now_ns > session.sent_ns + HEARTBEAT_NS and session.out_end == 0:
        session.out_end = soupbin_encode_empty(session.out, SOUP_CLIENT_HEARTBEAT)
