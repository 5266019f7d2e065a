"""The sending end of a stream over TCP: SoupBinTCP, a frame the payload of a sequenced data packet.

An offer copies the frame into the window and does nothing else; the turns send. It is never refused
for lack of room: a reader that cannot follow is disconnected or conflated, each with a counter. A
reader begins with any frame that the window still holds; one that asks for an older one is rejected
with the reason 'S' after a debug packet "oldest N", and may ask for N.
"""

cimport cython
from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport CountersFile, counter_add
from ironcore.base.status cimport STATUS_CLOSED, STATUS_OK, STATUS_TOO_LARGE
from ironcore.messaging.tcp_gap cimport GAP_PAYLOAD_BYTES, gap_encode
from ironcore.messaging.tcp.logins cimport readers_adopt
from ironcore.messaging.tcp.reader cimport (
    READER_FREE, READER_NAME_BYTES, READER_OUT_EXTRA_BYTES, READERS_MAX, SLOW_CONFLATE,
    SLOW_DISCONNECT,
    TCP_OFFERED, TCP_RECALLED, TCP_SKIPPED, TCP_TOO_LARGE, TcpReader, TcpServer,
)
from ironcore.messaging.tcp.readers cimport readers_close_all, readers_turn
from ironcore.messaging.tcp.sending cimport readers_move_on
from ironcore.messaging.tcp.window cimport (
    packet_window_add, packet_window_close, packet_window_limit, packet_window_oldest,
    packet_window_open,
)
from ironcore.net.sockets cimport Network
from ironcore.wire.soupbin cimport (
    SOUP_HEADER_BYTES, SOUP_PAYLOAD_BYTES_MAX, SOUP_SEQUENCED_DATA, SOUP_UNSEQUENCED_DATA,
)

from ironcore.base.counter_declaration import Counter, Gauge

PUBLICATION_COUNTERS = (
    Counter("offered", "frames put into the stream", unit="frames"),
    Counter("too_large", "frames refused because they are longer than a packet may be",
            unit="frames"),
    Counter("recalled", "frames of before a restart put into the window", unit="frames"),
    Counter("skipped", "numbers passed over because their frames are lost", unit="frames"),
    Gauge("oldest", "number of the oldest frame that a reader can ask for", unit="frames"),
    Gauge("readers", "connections open", unit="connections"),
    Counter("connections", "connections accepted", unit="connections"),
    Counter("logins", "readers admitted"),
    Counter("resumes", "of them, those that asked for a later frame than the first"),
    Counter("sends", "sends that took anything", unit="calls"),
    Counter("sent_bytes", "bytes sent to all readers", unit="bytes"),
    Counter("heartbeats", "heartbeats sent", unit="packets"),
    Counter("conflations", "times that a slow reader was moved to the newest frame"),
    Counter("conflated_frames", "frames that conflated readers were told they miss", unit="frames"),
    Counter("table_full", "connections closed after a login because all places are taken",
            unit="connections"),
    Counter("refused_too_old", "logins refused: the frame asked for is gone"),
    Counter("refused_ahead", "logins refused: the frame asked for is beyond the next one"),
    Counter("refused_session", "logins refused: another session"),
    Counter("closed_slow", "closed: over the queue that a slow reader may have",
            unit="connections"),
    Counter("closed_by_peer", "closed by the reader", unit="connections"),
    Counter("closed_logout", "closed: logged out", unit="connections"),
    Counter("closed_malformed", "closed: not SoupBinTCP, or not what a reader may send",
            unit="connections"),
    Counter("closed_refused", "closed after a refused login", unit="connections"),
    Counter("closed_login_timeout", "closed: no login in time", unit="connections"),
    Counter("closed_peer_timeout", "closed: heard nothing for too long", unit="connections"),
    Counter("closed_displaced", "closed: its name logged in again", unit="connections"),
    Counter("closed_ended", "closed after the end of the stream", unit="connections"),
    Counter("closed_error", "closed: the host reported an error", unit="connections"),
    Counter("closed_crowded_out", "closed: not logged in when others waited to do so",
            unit="connections"),
)
READER_COUNTERS = (
    Gauge("name", "who it is: 8 characters, the first one in the lowest byte", unit="characters"),
    Gauge("connected", "1 while it is"),
    Gauge("sequence", "frame that it is to be sent next", unit="frames"),
    Gauge("lag_bytes", "how far it is behind", unit="bytes"),
    Counter("sent_bytes", "bytes sent to it", unit="bytes"),
    Counter("logins", "times that it logged in"),
    Counter("slow", "times that it was disconnected or conflated because it was slow"),
    Counter("conflated_frames", "frames that it was told it misses", unit="frames"),
    Counter("timeouts", "times that nothing was heard of it for too long"),
    Counter("displaced", "times that its name logged in again while it was connected"),
)
POLICIES = {"disconnect": SLOW_DISCONNECT, "conflate": SLOW_CONFLATE}

cdef enum:
    WINDOW_BYTES_MIN = 4096
    WINDOW_SHARE = 8                 # a packet is at most one in this many of the window's bytes


cdef void _add(TcpServer* s, uint8_t packet_type, const uint8_t* payload, uint32_t payload_bytes,
               uint64_t count) noexcept nogil:
    cdef uint64_t limit = packet_window_limit(&s.window, SOUP_HEADER_BYTES + payload_bytes)
    if s.gate < limit:
        readers_move_on(s, limit)
    packet_window_add(&s.window, packet_type, payload, payload_bytes, count)


cdef int _offer(void* self, const uint8_t* frame, uint32_t frame_bytes,
                uint64_t now_ns) noexcept nogil:
    cdef TcpServer* s = <TcpServer*>self
    if s.ended:
        return STATUS_CLOSED
    if frame_bytes > s.settings.frame_bytes_max:
        counter_add(s.counters[TCP_TOO_LARGE], 1)
        return STATUS_TOO_LARGE
    _add(s, SOUP_SEQUENCED_DATA, frame, frame_bytes, 1)
    counter_add(s.counters[TCP_OFFERED], 1)
    return STATUS_OK


cdef int _turn(void* self, uint64_t now_ns) noexcept nogil:
    return readers_turn(<TcpServer*>self, now_ns)


cdef void _recall(void* self, const uint8_t* frame, uint32_t frame_bytes) noexcept nogil:
    cdef TcpServer* s = <TcpServer*>self
    if frame_bytes > s.settings.frame_bytes_max:
        # It keeps its number all the same: who asks for it is told that it is missing.
        _skip(self, 1)
        return
    _add(s, SOUP_SEQUENCED_DATA, frame, frame_bytes, 1)
    counter_add(s.counters[TCP_RECALLED], 1)


cdef int _skip(void* self, uint64_t count) noexcept nogil:
    cdef TcpServer* s = <TcpServer*>self
    cdef uint8_t gap[GAP_PAYLOAD_BYTES]
    if s.ended:
        return STATUS_CLOSED
    counter_add(s.counters[TCP_SKIPPED], count)
    if s.window.head == 0 and s.live == 0:
        s.window.sequence_next += count      # the stream begins later: there is nobody to tell
        return STATUS_OK
    gap_encode(gap, s.window.sequence_next, count)
    _add(s, SOUP_UNSEQUENCED_DATA, gap, GAP_PAYLOAD_BYTES, count)
    return STATUS_OK


cdef uint64_t _next(void* self) noexcept nogil:
    return (<TcpServer*>self).window.sequence_next


cdef void _end(void* self) noexcept nogil:
    (<TcpServer*>self).ended = True


cdef uint64_t _packed(str name) except? 0:
    encoded = name.upper().encode("ascii", "replace")[:READER_NAME_BYTES]
    return int.from_bytes(encoded, "little")


def reader_name(uint64_t packed):
    """The name that a reader's counter `name` holds."""
    return packed.to_bytes(READER_NAME_BYTES, "little").rstrip(b"\0").decode("ascii", "replace")


@cython.no_gc_clear  # connections are closed through the network
cdef class TcpPublication(PublicationEnd):
    """A stream to readers that connect to `listener`, a listening non-blocking socket that the
    caller keeps open (-1: connections come through `adopt` only).

    session: 1 to 10 characters that logins may name. window_bytes: of packets kept for readers that
    come back, a power of two. queue_bytes: how far a reader may lag before `policy`, "disconnect"
    or "conflate", is applied. connections_max: places for readers, each with counters of its own;
    one more is closed when it logs in. Connections that have not logged in take none: of too many
    of them the oldest is closed. frame_bytes_max: longer frames are refused. heartbeat_ns: sent
    when nothing else was; peer_timeout_ns: a reader that said nothing for so long is gone (a
    SoupBinTCP 4.10 login says its own); login_timeout_ns: to log in after connecting, and to close
    after the end. sequence_next: the number of the first frame. ValueError for what cannot be.
    """

    def __cinit__(self):
        memset(&self.server, 0, sizeof(self.server))
        self.server.poller = -1
        self.server.listener = -1
        self.out = NULL

    def __init__(self, int listener=-1, str session="", CounterSet counters=None, *,
                 uint64_t window_bytes=64 << 20, uint64_t queue_bytes=8 << 20,
                 str policy="disconnect", uint32_t connections_max=16,
                 uint32_t frame_bytes_max=SOUP_PAYLOAD_BYTES_MAX,
                 uint64_t heartbeat_ns=1_000_000_000, uint64_t peer_timeout_ns=15_000_000_000,
                 uint64_t login_timeout_ns=30_000_000_000, uint64_t sequence_next=1,
                 CountersFile counters_file=None, str writer="tcp", Network network=None):
        cdef TcpServer* s = &self.server
        cdef bytes name = session.encode("ascii").ljust(10)
        if window_bytes < WINDOW_BYTES_MIN or window_bytes & (window_bytes - 1):
            raise ValueError(f"window_bytes: found {window_bytes}, expected a power of two, "
                             f"{WINDOW_BYTES_MIN} or more")
        if not 0 < queue_bytes <= window_bytes:
            raise ValueError(f"queue_bytes: found {queue_bytes}, expected 1 to the window's "
                             f"{window_bytes}")
        if policy not in POLICIES:
            raise ValueError(f"policy: found {policy!r}, expected one of {', '.join(POLICIES)}")
        if not 1 <= connections_max <= READERS_MAX:
            raise ValueError(f"connections_max: found {connections_max}, expected 1 to "
                             f"{READERS_MAX}")
        if len(name) > 10:
            raise ValueError(f"session: found {session!r}, expected at most 10 characters")
        if sequence_next == 0:
            raise ValueError("sequence_next: found 0, expected 1 or more, as frames count from 1")
        memcpy(s.session, <const char*>name, 10)
        s.settings.queue_bytes = queue_bytes
        s.settings.policy = POLICIES[policy]
        s.settings.readers_max = connections_max
        frame_bytes_max = min(frame_bytes_max, <uint32_t>SOUP_PAYLOAD_BYTES_MAX)
        s.settings.frame_bytes_max = <uint32_t>min(<uint64_t>frame_bytes_max,
                                                   window_bytes // WINDOW_SHARE)
        s.settings.heartbeat_ns = heartbeat_ns
        s.settings.peer_timeout_ns = peer_timeout_ns
        s.settings.login_timeout_ns = login_timeout_ns
        s.gate = UINT64_MAX
        self._count(counters, counters_file, writer)
        self._reserve(window_bytes, sequence_next)
        self._open(listener, Network() if network is None else network)
        self.publication.self = s
        self.publication.offer = _offer
        self.publication.turn = _turn
        self.publication.recall = _recall
        self.publication.skip = _skip
        self.publication.sequence_next = _next
        self.publication.end = _end

    def _count(self, counters, counters_file, writer):
        if counters is None:
            counters = CounterSet(writer, PUBLICATION_COUNTERS, counters_file)
        self.counters = counters
        self.server.counters = (<CounterSet>counters).values
        self.readers = tuple(
            CounterSet(f"{writer}-reader-{i}", READER_COUNTERS, counters_file)
            for i in range(self.server.settings.readers_max)
        )

    def _reserve(self, uint64_t window_bytes, uint64_t sequence_next):
        cdef TcpServer* s = &self.server
        cdef size_t out_bytes = s.settings.frame_bytes_max + READER_OUT_EXTRA_BYTES
        cdef uint32_t i
        if packet_window_open(&s.window, window_bytes, sequence_next) != STATUS_OK:
            raise MemoryError
        s.reader = <TcpReader*>PyMem_RawCalloc(s.settings.readers_max, sizeof(TcpReader))
        self.out = <uint8_t*>PyMem_RawCalloc(s.settings.readers_max, out_bytes)
        if s.reader == NULL or self.out == NULL:
            raise MemoryError
        for i in range(s.settings.readers_max):
            s.reader[i].counters = (<CounterSet>self.readers[i]).values
            s.reader[i].out = self.out + i * out_bytes

    def _open(self, int listener, Network network):
        cdef TcpServer* s = &self.server
        self.network = network
        s.sockets = network.sockets
        s.poller = network.open_poller()
        if s.poller < 0:
            raise OSError(-s.poller, "cannot make a poller")
        s.listener = listener
        if listener >= 0 and s.sockets.watch(s.sockets.context, s.poller, listener) < 0:
            raise ValueError(f"listener: found descriptor {listener}, expected one that can be "
                             "watched")

    def __dealloc__(self):
        self.close()
        packet_window_close(&self.server.window)
        PyMem_RawFree(self.server.reader)
        PyMem_RawFree(self.out)

    def close(self):
        """Close all connections, and take no more."""
        cdef TcpServer* s = &self.server
        if s.poller >= 0:
            if s.reader != NULL:
                readers_close_all(s)
            s.sockets.close(s.sockets.context, s.poller)
            s.poller = -1

    def adopt(self, int fd, str name=""):
        """Serve a connected stream socket that another thread has accepted, as if from `listener`;
        it is the publication's from now on. Its reader is called `name` (up to 8 characters),
        whatever it logs in as. False: no room now, the socket stays the caller's. For one thread.
        """
        return readers_adopt(&self.server, fd, _packed(name))

    def reader_counts(self):
        """The counters of each reader that is or was here, with its name."""
        found = []
        for counters in self.readers:
            counts = counters.snapshot()
            if counts["logins"]:
                counts["name"] = reader_name(counts["name"])
                found.append(counts)
        return found

    def descriptors(self):
        """Of the readers that are connected now. One may have ended meanwhile, and its descriptor
        may be another's."""
        return [self.server.reader[i].fd for i in range(self.server.settings.readers_max)
                if self.server.reader[i].state != READER_FREE]

    @property
    def oldest(self):
        """Number of the oldest frame that a reader can ask for."""
        return packet_window_oldest(&self.server.window)

    @property
    def connected(self):
        """Connections open."""
        return self.server.live + self.server.waiting
