"""The receiving end of a stream over TCP: SoupBinTCP, from the frame that is wanted next.

Everything happens in polls, none of which waits: connecting, logging in, heartbeats, and beginning
again after a cut with the next frame wanted. A frame with a number that was handed over before is
dropped.
"""

cimport cython
from libc.errno cimport EAGAIN, EINPROGRESS
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove, memset

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc

import socket

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport STATUS_CLOSED, STATUS_MALFORMED, STATUS_OK, Status
from ironcore.messaging.subscription cimport FrameHandler
from ironcore.messaging.tcp.connection cimport (
    receiver_accepted, receiver_connect, receiver_drop, receiver_hang_up, receiver_lose,
    receiver_note, receiver_rejected,
)
from ironcore.messaging.tcp_gap cimport gap_decode
from ironcore.messaging.tcp.receiver cimport (
    RECEIVER_CONNECTING, RECEIVER_ENDED, RECEIVER_LIVE, RECEIVER_TOLD_BYTES, RECEIVER_WAITING,
    SEQUENCE_MAX, TCP_CUTS, TCP_DUPLICATES, TCP_FRAMES, TCP_LOGIN_TIMEOUTS, TCP_MALFORMED,
    TCP_STALE, TCP_UNREACHABLE, TcpReceiver, receiver_take,
)
from ironcore.net.sockets cimport Network
from ironcore.wire.soupbin cimport (
    SOUP_CLIENT_HEARTBEAT, SOUP_DEBUG, SOUP_END_OF_SESSION, SOUP_LOGIN_ACCEPTED,
    SOUP_LOGIN_REJECTED, SOUP_PAYLOAD_BYTES_MAX, SOUP_SEQUENCED_DATA, SOUP_SERVER_HEARTBEAT,
    SOUP_UNSEQUENCED_DATA, soupbin_encode_empty, soupbin_next,
)

from ironcore.base.counter_declaration import Counter

SUBSCRIPTION_COUNTERS = (
    Counter("frames", "frames taken", unit="frames"),
    Counter("gaps", "times that frames were lost"),
    Counter("gap_frames", "frames lost", unit="frames"),
    Counter("duplicates", "frames dropped because their number had been handed over",
            unit="frames"),
    Counter("attempts", "connections begun", unit="connections"),
    Counter("connects", "logins accepted"),
    Counter("resumes", "of them, those after the first"),
    Counter("refused", "logins rejected"),
    Counter("too_old", "of them, those because the server has the wanted frame no longer"),
    Counter("cuts", "connections that the peer or the host ended", unit="connections"),
    Counter("stale", "connections given up because nothing was heard", unit="connections"),
    Counter("malformed", "connections given up because of what the server sent",
            unit="connections"),
    Counter("unreachable", "connections that the host or the peer refused", unit="connections"),
    Counter("login_timeouts", "connections given up because the login was not answered",
            unit="connections"),
    Counter("displaced", "connections that the server ended for another one of the same name",
            unit="connections"),
)

cdef enum:
    RECEIVES_MAX = 4                 # in one poll
    RX_BYTES_MIN = 2 * (SOUP_PAYLOAD_BYTES_MAX + 3)


cdef bint _flush(TcpReceiver* r, uint64_t now_ns) noexcept nogil:
    """Send what is left of logins and heartbeats: False when the connection is gone."""
    cdef long n
    if r.tx_start == r.tx_end:
        return True
    n = r.sockets.send(r.sockets.context, r.fd, r.tx + r.tx_start, r.tx_end - r.tx_start)
    if n > 0:
        r.tx_start += <uint32_t>n
        r.tx_ns = now_ns
    elif n != -EAGAIN and n != -EINPROGRESS:
        receiver_drop(r, TCP_UNREACHABLE if r.state == RECEIVER_CONNECTING else TCP_CUTS, now_ns)
        return False
    return True


cdef void _heartbeat(TcpReceiver* r, uint64_t now_ns) noexcept nogil:
    if r.state == RECEIVER_LIVE and now_ns - r.tx_ns >= r.settings.heartbeat_ns \
            and r.tx_start == r.tx_end:
        r.tx_start = 0
        r.tx_end = <uint32_t>soupbin_encode_empty(r.tx, SOUP_CLIENT_HEARTBEAT)
        r.tx_ns = now_ns


cdef int _frame(TcpReceiver* r, const FrameHandler* handler, const uint8_t* payload,
                size_t bytes) noexcept nogil:
    """1 when it was taken, 0 when it was dropped, -1 when the handler does not take it now."""
    if r.counted < r.expected:
        r.counted += 1
        counter_add(r.counters[TCP_DUPLICATES], 1)
        return 0
    if handler.frame(handler.context, r.expected, payload, <uint32_t>bytes) != STATUS_OK:
        return -1
    r.counted += 1
    r.expected += 1
    return 1


cdef void _gap(TcpReceiver* r, const FrameHandler* handler, uint64_t first, uint64_t count,
               uint64_t now_ns) noexcept nogil:
    if first > SEQUENCE_MAX or count > SEQUENCE_MAX - first:
        receiver_drop(r, TCP_MALFORMED, now_ns)
    elif first <= r.counted < first + count:
        r.counted = first + count
        receiver_lose(r, handler, r.counted)


cdef void _other(TcpReceiver* r, const FrameHandler* handler, uint8_t packet_type,
                 const uint8_t* payload, size_t bytes, uint64_t now_ns) noexcept nogil:
    """A packet that is no frame."""
    cdef uint64_t first = 0
    cdef uint64_t count = 0
    if packet_type == SOUP_SERVER_HEARTBEAT:
        pass
    elif packet_type == SOUP_DEBUG:
        receiver_note(r, payload, bytes)
    elif packet_type == SOUP_LOGIN_ACCEPTED:
        receiver_accepted(r, handler, payload, bytes, now_ns)
    elif packet_type == SOUP_LOGIN_REJECTED and r.state == RECEIVER_CONNECTING:
        receiver_rejected(r, handler, now_ns)
    elif packet_type == SOUP_UNSEQUENCED_DATA and r.state == RECEIVER_LIVE:
        if gap_decode(payload, bytes, &first, &count):
            _gap(r, handler, first, count, now_ns)
    elif packet_type == SOUP_END_OF_SESSION and r.state == RECEIVER_LIVE:
        receiver_hang_up(r)
        r.state = RECEIVER_ENDED
    else:
        receiver_drop(r, TCP_MALFORMED, now_ns)


cdef int _hand_over(TcpReceiver* r, const FrameHandler* handler, int batch_max, int taken,
                    uint64_t now_ns) noexcept nogil:
    """The packets that have arrived: how many frames were taken now, in this poll together; minus
    that and 1 when the handler refused one."""
    cdef uint8_t packet_type = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef Status status
    cdef int got
    while taken < batch_max and r.fd >= 0:
        status = soupbin_next(r.rx + r.rx_start, r.rx_end - r.rx_start, &packet_type, &payload,
                              &payload_bytes, &packet_bytes)
        if status == STATUS_MALFORMED:
            receiver_drop(r, TCP_MALFORMED, now_ns)
        if status != STATUS_OK:
            break
        if packet_type == SOUP_SEQUENCED_DATA and r.state == RECEIVER_LIVE:
            got = _frame(r, handler, payload, payload_bytes)
            if got < 0:
                return -taken - 1
            taken += got
        else:
            _other(r, handler, packet_type, payload, payload_bytes, now_ns)
        r.rx_start += <uint32_t>packet_bytes
    return taken


cdef int _receive(TcpReceiver* r, uint64_t now_ns) noexcept nogil:
    """1 when something has come, 0 when there is nothing now or the connection is gone."""
    cdef uint32_t start = min(r.rx_start, r.rx_end - r.peeked)
    cdef long n
    if start:
        memmove(r.rx, r.rx + start, r.rx_end - start)
        r.rx_end -= start
        r.rx_start -= start
    n = receiver_take(r, now_ns)
    if n > 0:
        r.rx_end += <uint32_t>n
        r.rx_ns = now_ns
        r.heard_live = r.heard_live or r.state == RECEIVER_LIVE
        return 1
    if n == -EAGAIN:
        if r.state == RECEIVER_LIVE and now_ns - r.rx_ns >= r.settings.stale_ns:
            receiver_drop(r, TCP_STALE, now_ns)
        elif (r.state == RECEIVER_CONNECTING
                and now_ns - r.opened_ns >= r.settings.login_timeout_ns):
            receiver_drop(r, TCP_LOGIN_TIMEOUTS, now_ns)
    else:
        receiver_drop(r, TCP_UNREACHABLE if r.state == RECEIVER_CONNECTING else TCP_CUTS, now_ns)
    return 0


cdef int _poll(void* self, const FrameHandler* handler, int batch_max,
               uint64_t now_ns) noexcept nogil:
    cdef TcpReceiver* r = <TcpReceiver*>self
    cdef int taken = 0
    cdef int receives = 0
    if r.state == RECEIVER_ENDED:
        return -STATUS_CLOSED
    if r.state == RECEIVER_WAITING:
        if now_ns < r.retry_ns:
            return 0
        receiver_connect(r, now_ns)
    if r.fd >= 0 and _flush(r, now_ns):
        while True:
            taken = _hand_over(r, handler, batch_max, taken, now_ns)
            if taken < 0:
                taken = -taken - 1
                r.rx_ns = now_ns     # the peer is not to blame for what is not read
                break
            if taken == batch_max:
                r.rx_ns = now_ns
                break
            if r.fd < 0 or receives == RECEIVES_MAX:
                break
            if receives and taken and r.drained:
                break                # to ask once more would only keep the caller waiting
            if not _receive(r, now_ns):
                break
            receives += 1
    if r.fd >= 0:
        _heartbeat(r, now_ns)
        _flush(r, now_ns)
    counter_add(r.counters[TCP_FRAMES], <uint64_t>taken)
    if taken == 0 and r.state == RECEIVER_ENDED:
        return -STATUS_CLOSED
    return taken


cdef uint64_t _next(void* self) noexcept nogil:
    return (<TcpReceiver*>self).expected


cdef bytes _padded(str what, str text, int length):
    if len(text) > length or not text.isascii():
        raise ValueError(f"{what}: found {len(text)} characters, expected at most {length} "
                         "in ASCII")
    return text.encode().ljust(length)


@cython.no_gc_clear  # the connection is closed through the network
cdef class TcpSubscription(SubscriptionEnd):
    """The stream that a TCP publication serves at an IPv4 address and port.

    name: up to 6 characters, by which the publication's counters tell readers apart; of two with
    one name the later wins. sequence: the first frame wanted; 0 begins with the newest one.
    session: the one wanted; "" takes the server's, and insists on it from then on. stale_ns: a
    connection on which nothing was heard for so long is given up. backoff_min_ns and
    backoff_max_ns: between two attempts; `seed` makes the random part. dialled: do not connect, but
    leave a socket for the thread that calls `take_dialled`, which carries what is sent on it over
    TLS for instance.
    """

    def __cinit__(self):
        memset(&self.receiver, 0, sizeof(self.receiver))
        self.receiver.fd = -1

    def __init__(self, str address, uint16_t port, str name="", *, uint64_t sequence=1,
                 str session="", str password="", uint64_t heartbeat_ns=1_000_000_000,
                 uint64_t stale_ns=15_000_000_000, uint64_t login_timeout_ns=10_000_000_000,
                 uint64_t backoff_min_ns=10_000_000, uint64_t backoff_max_ns=5_000_000_000,
                 uint64_t seed=1, uint32_t buffer_bytes=1 << 20, bint dialled=False,
                 CounterSet counters=None, Network network=None):
        cdef TcpReceiver* r = &self.receiver
        super().__init__()
        cdef bytes username = _padded("name", name.upper(), 6)
        cdef bytes secret = _padded("password", password.upper(), 10)
        cdef bytes wanted = _padded("session", session, 10)
        if not 0 < backoff_min_ns <= backoff_max_ns:
            raise ValueError(f"backoff_min_ns: found {backoff_min_ns}, expected 1 to "
                             f"backoff_max_ns, {backoff_max_ns}")
        memcpy(r.settings.username, <const char*>username, 6)
        memcpy(r.settings.password, <const char*>secret, 10)
        memcpy(r.session, <const char*>wanted, 10)
        if counters is None:
            counters = CounterSet("subscription", SUBSCRIPTION_COUNTERS)
        self.counters = counters
        self.network = Network() if network is None else network
        r.counters = counters.values
        r.sockets = self.network.sockets
        r.settings.address = int.from_bytes(socket.inet_aton(address), "big")
        r.settings.port = port
        r.settings.dialled = dialled
        r.settings.heartbeat_ns = heartbeat_ns
        r.settings.stale_ns = stale_ns
        r.settings.login_timeout_ns = login_timeout_ns
        r.settings.backoff_min_ns = backoff_min_ns
        r.settings.backoff_max_ns = backoff_max_ns
        r.expected = sequence
        r.random = (seed * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF or 1
        r.rx_bytes_max = max(buffer_bytes, <uint32_t>RX_BYTES_MIN)
        r.rx = <uint8_t*>PyMem_RawMalloc(r.rx_bytes_max)
        if r.rx == NULL:
            raise MemoryError
        self.subscription.self = r
        self.subscription.poll = _poll
        self.subscription.sequence_next = _next

    def __dealloc__(self):
        self.close()
        PyMem_RawFree(self.receiver.rx)

    def take_dialled(self):
        """With `dialled`: a socket to be carried to the server and closed when that fails, or -1.
        For one thread."""
        cdef uint64_t dial = load_acquire_u64(&self.receiver.dial)
        if dial == 0:
            return -1
        store_release_u64(&self.receiver.dial, 0)
        return <int>dial - 1

    def close(self):
        """Close the connection. A poll after it connects again."""
        cdef TcpReceiver* r = &self.receiver
        if r.fd >= 0:
            receiver_hang_up(r)
            r.state = RECEIVER_WAITING

    @property
    def session(self):
        """The session of the stream; "" before the server has said it."""
        return self.receiver.session[:10].decode("ascii").strip()

    @property
    def told(self):
        """The beginning of what the server last said in a debug packet, such as why it rejects a
        login; "" when it has said nothing. For reports: what is read here while another thread
        polls may be half of one text and half of the next."""
        cdef bytes text = self.receiver.told[:RECEIVER_TOLD_BYTES]
        return "".join(chr(c) if 0x20 <= c < 0x7F else "?" for c in text.rstrip(b"\0"))

    @property
    def live(self):
        """Whether it is logged in now."""
        return self.receiver.state == RECEIVER_LIVE
