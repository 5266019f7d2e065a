"""The re-request server: one request, at most one packet of messages, or silence.

MoldUDP64 knows no refusal: what is gone, not sent yet, for another session or asked for too often
gets no answer, and a counter here. An answer is up to seventy times as long as its request and
senders of datagrams can be forged, so each address has a token bucket. The table of buckets is
fixed: a new address takes the place of the one of its set whose bucket has been full for longest.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport STATUS_OK
from ironcore.messaging.multicast.window cimport window_age, window_copy
from ironcore.wire.moldudp64 cimport (
    MOLD_HEADER_BYTES, MOLD_PACKET_BYTES_MAX, MoldBuilder, MoldHeader, mold_builder_finish,
    mold_builder_open, mold_decode_request,
)

cdef enum:
    REQUESTS_MAX = 16                # answered in one turn
    WAYS = 4                         # places that one address can have in the table


cdef bint rerequests_allowed(RerequestServer* server, uint32_t address,
                             uint64_t now_ns) noexcept nogil:
    # Fibonacci hashing: neighbours in one subnet are spread over the sets.
    cdef uint32_t start = ((address * <uint32_t>0x9E3779B1) >> 16) & (REQUESTERS_MAX - WAYS)
    cdef Requester* found = &server.requesters[start]
    cdef Requester* place
    cdef uint64_t full_ns
    cdef int i
    if server.interval_ns == 0:
        return True
    for i in range(WAYS):
        place = &server.requesters[start + i]
        if place.address == address:
            found = place
            break
        if place.full_ns < found.full_ns:
            found = place
    if found.address != address:
        found.address = address
        found.full_ns = 0
    full_ns = max(found.full_ns, now_ns) + server.interval_ns
    if full_ns - now_ns > server.burst_ns:
        return False
    found.full_ns = full_ns
    return True


cdef Answer _answer(RerequestServer* server, const MoldHeader* request, uint64_t sent_next,
                    uint32_t address, uint16_t port) noexcept nogil:
    cdef uint8_t packet[MOLD_PACKET_BYTES_MAX]
    cdef MoldBuilder builder
    cdef uint64_t first = request.sequence_number
    cdef uint64_t count = request.message_count
    cdef size_t packet_bytes
    cdef int n
    if first >= sent_next or count == 0:
        return ANSWER_EARLY
    count = min(count, sent_next - first)
    mold_builder_open(&builder, packet, server.packet_bytes_max, server.session, first)
    if window_copy(&server.window, first, <uint16_t>count, &builder) == 0:
        return ANSWER_GONE
    packet_bytes = mold_builder_finish(&builder)
    n = server.sockets.send_datagram_to(server.sockets.context, server.fd, packet, packet_bytes,
                                        address, port)
    if n < 0:
        server.os_error = -n
        return ANSWER_REFUSED
    return ANSWER_SENT


cdef int rerequests_serve(RerequestServer* server, uint64_t sent_next, uint64_t now_ns,
                          uint64_t** answers) noexcept nogil:
    # One byte more than a request, so that a longer datagram is seen to be longer.
    cdef uint8_t datagram[MOLD_HEADER_BYTES + 1]
    cdef MoldHeader request
    cdef Answer answer
    cdef uint32_t address = 0
    cdef uint16_t port = 0
    cdef long n
    cdef int count = 0
    window_age(&server.window, now_ns)
    while server.fd >= 0 and count < REQUESTS_MAX:
        n = server.sockets.recv_datagram(server.sockets.context, server.fd, datagram,
                                         sizeof(datagram), &address, &port)
        if n < 0:
            break
        count += 1
        if (mold_decode_request(datagram, <size_t>n, &request) != STATUS_OK
                or memcmp(request.session, server.session, sizeof(request.session)) != 0):
            answer = ANSWER_MALFORMED
        elif not rerequests_allowed(server, address, now_ns):
            answer = ANSWER_LIMITED
        else:
            answer = _answer(server, &request, sent_next, address, port)
        counter_add(answers[<int>answer], 1)
    return count
