"""The bytes that a TCP subscription takes from the host."""

from libc.errno cimport EAGAIN
from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    PEEK_BYTES_MAX = 4096            # held by the host at once: more is no quiet stream
    QUIET_EMPTIES = 16               # receives in a row that find nothing make a stream quiet
    PEEKS_MAX = 8                    # fewer packets than a new connection may have on their way
    PEEK_NS_MAX = 50000              # how long the last bytes are left with the host


cdef long receiver_discard(TcpReceiver* r, uint32_t bytes) noexcept nogil:
    """Let the host drop the first of the bytes that were peeked at: 1, or why it cannot."""
    cdef long n
    while bytes:
        n = r.sockets.discard(r.sockets.context, r.fd, bytes)
        if n <= 0:
            return n
        bytes -= <uint32_t>n
        r.peeked -= <uint32_t>n
    r.peeked_before = 0
    if r.peeked == 0:
        r.peeks = 0
    return 1


cdef long _peek(TcpReceiver* r, uint64_t now_ns) noexcept nogil:
    """New bytes of a quiet stream, as of a recv.

    Nothing goes back that acknowledgements could travel with, so that the host sends one within the
    receive that empties the socket, before the frame is seen: a third of a round trip. A socket
    that is not emptied is acknowledged later. So bytes are peeked at, those in front of them are
    discarded while nothing comes, and the last ones after a few frames or some microseconds.
    """
    cdef uint32_t known = r.peeked
    cdef long n = r.sockets.peek(r.sockets.context, r.fd, r.rx + r.rx_end - known, PEEK_BYTES_MAX)
    if n <= 0:
        return n
    if <uint32_t>n > known:
        r.peeked_before = known
        r.peeked = <uint32_t>n
        r.peeks += 1
        r.empties = 0
        r.quiet = n < PEEK_BYTES_MAX
        return n - known
    if r.peeks >= PEEKS_MAX or now_ns - r.rx_ns >= PEEK_NS_MAX:
        n = receiver_discard(r, known)
    else:
        n = receiver_discard(r, r.peeked_before)
    return -EAGAIN if n > 0 else n


cdef long receiver_take(TcpReceiver* r, uint64_t now_ns) noexcept nogil:
    """New bytes behind rx_end, as of a recv."""
    cdef size_t room = r.rx_bytes_max - r.rx_end
    cdef long n
    if r.quiet and room >= PEEK_BYTES_MAX:
        n = _peek(r, now_ns)
        r.drained = r.quiet
        return n
    n = receiver_discard(r, r.peeked)
    if n <= 0:
        return n
    n = r.sockets.recv(r.sockets.context, r.fd, r.rx + r.rx_end, room)
    r.drained = <size_t>n < room
    r.empties = r.empties + 1 if n == -EAGAIN else 0
    r.quiet = r.empties >= QUIET_EMPTIES and not r.settings.dialled
    return n
