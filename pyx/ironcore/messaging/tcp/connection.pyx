"""The connection of a TCP subscription: its login, its end, and the time before the next one.

Between two attempts lies a time that doubles up to a limit, shortened at random by up to a half so
that readers do not come back all at once. It is the shortest one again after a connection on which
something was heard, but not when the server says that another login of the same name has displaced
this one: two readers of one name would else throw each other out as fast as they can.

A server that no longer has the frame says the oldest that it has: the frames before it are a gap,
and the next login asks for that one. A server is believed no number above SEQUENCE_MAX, and no
other beginning than the one asked for unless it has said that it has nothing older.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport STATUS_OK
from ironcore.messaging.subscription cimport FrameHandler
from ironcore.messaging.tcp_notes cimport tells_displacement
from ironcore.messaging.tcp.receiver cimport (
    RECEIVER_CONNECTING, RECEIVER_LIVE, RECEIVER_TOLD_BYTES, RECEIVER_WAITING, SEQUENCE_MAX,
    TCP_ATTEMPTS, TCP_CONNECTS, TCP_CUTS, TCP_DISPLACED, TCP_GAP_FRAMES, TCP_GAPS, TCP_MALFORMED,
    TCP_REFUSED, TCP_RESUMES, TCP_TOO_OLD, TCP_UNREACHABLE, TcpReceiver, receiver_discard,
)
from ironcore.wire.soupbin cimport (
    SoupLoginAccepted, SoupLoginRequest, soupbin_decode_login_accepted,
    soupbin_encode_login_request,
)

cdef enum:
    FAILURES_MAX = 32                # where doubling ends at any rate


cdef uint64_t _random(TcpReceiver* r) noexcept nogil:
    r.random ^= r.random << 13
    r.random ^= r.random >> 7
    r.random ^= r.random << 17
    return r.random


cdef void receiver_hang_up(TcpReceiver* r) noexcept nogil:
    receiver_discard(r, r.peeked)
    r.sockets.close(r.sockets.context, r.fd)
    r.fd = -1
    r.peeked = 0


cdef void receiver_drop(TcpReceiver* r, int reason, uint64_t now_ns) noexcept nogil:
    cdef uint64_t wait_ns = r.settings.backoff_min_ns
    cdef bint displaced = r.displaced and reason == TCP_CUTS
    counter_add(r.counters[TCP_DISPLACED if displaced else reason], 1)
    if r.fd >= 0:
        receiver_hang_up(r)
    if r.heard_live and not displaced:
        r.failures = 0
    wait_ns = min(wait_ns << r.failures, r.settings.backoff_max_ns)
    if r.failures < FAILURES_MAX and wait_ns < r.settings.backoff_max_ns:
        r.failures += 1
    r.retry_ns = now_ns + wait_ns - _random(r) % (wait_ns // 2 + 1)
    r.state = RECEIVER_WAITING


cdef void receiver_connect(TcpReceiver* r, uint64_t now_ns) noexcept nogil:
    cdef SoupLoginRequest login
    cdef int other = -1
    counter_add(r.counters[TCP_ATTEMPTS], 1)
    r.heard_live = False
    r.displaced = False
    if r.settings.dialled:
        if load_acquire_u64(&r.dial):
            # The thread that dials has not taken the last one.
            receiver_drop(r, TCP_UNREACHABLE, now_ns)
            return
        r.fd = r.sockets.pair(r.sockets.context, &other)
    else:
        r.fd = r.sockets.connect(r.sockets.context, r.settings.address, r.settings.port)
    if r.fd < 0:
        receiver_drop(r, TCP_UNREACHABLE, now_ns)
        return
    if r.settings.dialled:
        store_release_u64(&r.dial, <uint64_t>other + 1)
    memcpy(login.username, r.settings.username, 6)
    memcpy(login.password, r.settings.password, 10)
    memcpy(login.session, r.session, 10)
    login.sequence_number = r.expected
    login.timeout_given = False
    login.heartbeat_timeout_ms = 0
    r.tx_start = 0
    r.tx_end = <uint32_t>soupbin_encode_login_request(r.tx, &login)
    r.rx_start = 0
    r.rx_end = 0
    r.quiet = False
    r.empties = 0
    r.peeked = 0
    r.oldest_told = 0
    r.opened_ns = now_ns
    r.rx_ns = now_ns
    r.tx_ns = now_ns
    r.state = RECEIVER_CONNECTING


cdef void receiver_lose(TcpReceiver* r, const FrameHandler* handler, uint64_t end) noexcept nogil:
    if r.expected and end > r.expected:
        counter_add(r.counters[TCP_GAPS], 1)
        counter_add(r.counters[TCP_GAP_FRAMES], end - r.expected)
        handler.gap(handler.context, r.expected, end - r.expected)
    r.expected = max(r.expected, end)


cdef uint64_t _told(const uint8_t* text, size_t bytes) noexcept nogil:
    """N of "oldest N", or 0."""
    cdef uint64_t value = 0
    cdef size_t i
    if bytes < 8 or bytes > 26 or memcmp(text, b"oldest ", 7) != 0:
        return 0
    for i in range(7, bytes):
        if text[i] < 0x30 or text[i] > 0x39:
            return 0
        value = value * 10 + (text[i] - 0x30)
    return value


cdef void receiver_note(TcpReceiver* r, const uint8_t* text, size_t bytes) noexcept nogil:
    """The oldest frame that it may name is for the next login, the beginning for `told`."""
    r.oldest_told = _told(text, bytes)
    r.displaced = r.state == RECEIVER_LIVE and tells_displacement(text, bytes)
    memset(r.told, 0, RECEIVER_TOLD_BYTES)
    memcpy(r.told, text, min(bytes, <size_t>RECEIVER_TOLD_BYTES))


cdef bint _believable(const TcpReceiver* r, uint64_t sequence) noexcept nogil:
    """Whether a login may have been accepted at this number: any one when the newest was asked
    for, else the one asked for, or a later one that is the oldest that the server says it has."""
    if sequence == 0 or sequence > SEQUENCE_MAX:
        return False
    return (r.expected == 0 or sequence == r.expected
            or (sequence > r.expected and sequence == r.oldest_told))


cdef void receiver_accepted(TcpReceiver* r, const FrameHandler* handler, const uint8_t* payload,
                            size_t bytes, uint64_t now_ns) noexcept nogil:
    cdef SoupLoginAccepted accepted
    if (r.state != RECEIVER_CONNECTING
            or soupbin_decode_login_accepted(payload, bytes, &accepted) != STATUS_OK
            or not _believable(r, accepted.sequence_number)):
        receiver_drop(r, TCP_MALFORMED, now_ns)
        return
    memcpy(r.session, accepted.session, 10)
    counter_add(r.counters[TCP_CONNECTS], 1)
    counter_add(r.counters[TCP_RESUMES], 1 if r.known else 0)
    r.known = True
    r.state = RECEIVER_LIVE
    r.counted = accepted.sequence_number
    receiver_lose(r, handler, accepted.sequence_number)


cdef void receiver_rejected(TcpReceiver* r, const FrameHandler* handler,
                            uint64_t now_ns) noexcept nogil:
    cdef bint too_old = r.oldest_told > r.expected and r.expected
    if r.oldest_told > SEQUENCE_MAX:
        receiver_drop(r, TCP_MALFORMED, now_ns)
        return
    if too_old:
        counter_add(r.counters[TCP_TOO_OLD], 1)
        receiver_lose(r, handler, r.oldest_told)
    receiver_drop(r, TCP_REFUSED, now_ns)
    if too_old:
        r.retry_ns = now_ns          # it is known what to ask for: the sooner the better
