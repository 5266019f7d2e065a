"""Streams over UDP multicast: the receiving end, MoldUDP64 with A and B arbitrated.

Whichever group brings a packet first is taken; the other's copy is a duplicate. A packet that comes
before its turn is held while what is missing before it is asked for or given up, which is the
business of `multicast_recovery`.

Datagrams can come from anybody. One that is not a whole packet of the stream's session is dropped
and counted; how far a number is believed is the business of `multicast_belief`. A session that
takes the place of the stream's is noticed when its packets come and the stream's do not: the
subscription then ends, and says so.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_EMPTY, STATUS_FULL, STATUS_OK,
)
from ironcore.messaging.multicast.belief cimport belief_in, belief_note_end, belief_weigh
from ironcore.messaging.multicast.hold cimport (
    hold_close, hold_find, hold_open, hold_put, hold_release, hold_trim,
)
from ironcore.messaging.multicast.receiver cimport (
    MULTICAST_ABSURD, MULTICAST_CURRENT, MULTICAST_DUPLICATES, MULTICAST_FOREIGN, MULTICAST_FRAMES,
    MULTICAST_GAPS, MULTICAST_KERNEL_DROPS, MULTICAST_LOST_FRAMES, MULTICAST_MALFORMED,
    MULTICAST_PACKETS_FROM, MULTICAST_RECOVERED, MULTICAST_UNHELD, SOURCES, SOURCE_A,
    SOURCE_ANSWERS, SOURCE_B, MulticastReceiver,
)
from ironcore.messaging.multicast.recovery cimport (
    recovery_alone, recovery_answered, recovery_mind_gap,
)
from ironcore.messaging.subscription cimport FrameHandler
from ironcore.net.af_xdp.receive cimport XdpFeedReceiver, xdp_receive
from ironcore.net.datagrams cimport (
    DATAGRAMS_MAX, Datagram, datagrams_close, datagrams_open, datagrams_receive,
)
from ironcore.net.sockets cimport host_sockets
from ironcore.wire.moldudp64 cimport (
    MOLD_COUNT_END_OF_SESSION, MoldHeader, MoldReader, mold_reader_next, mold_reader_open,
)

from ironcore.base.counter_declaration import Counter

SUBSCRIPTION_COUNTERS = (
    Counter("frames", "frames handed over, each once and in order", unit="frames"),
    Counter("packets_a", "packets of the session from group A", unit="packets"),
    Counter("packets_b", "packets of the session from group B", unit="packets"),
    Counter("answers", "packets of the session from the re-request server", unit="packets"),
    Counter("duplicates", "packets that held nothing new", unit="packets"),
    Counter("current", "heartbeats, or requests for what comes next, that found nothing missing",
            unit="packets"),
    Counter("malformed", "datagrams that are no whole packet", unit="packets"),
    Counter("foreign", "packets of another session", unit="packets"),
    Counter("absurd", "numbers beyond what is known that were not believed, or not any more"),
    Counter("jumps", "times that far numbers were believed because others went on from them"),
    Counter("gaps", "times that frames were found missing"),
    Counter("requests", "re-requests sent", unit="packets"),
    Counter("recovered", "frames that came by re-request", unit="frames"),
    Counter("losses", "gaps that were given up"),
    Counter("lost_frames", "frames given up", unit="frames"),
    Counter("unheld", "packets that came before their turn and found no room to wait",
            unit="packets"),
    Counter("kernel_drops",
            "datagrams that the kernel dropped because the socket's buffer was full",
            unit="packets"),
)

cdef enum:
    SESSION_BYTES = 10
    RECEIVES_MAX = 6                 # calls of the kernel in one poll
    ANSWERS_EVERY = 64               # looks that find nothing missing, until one is for answers too
    STRIDE_START = 16
    FOREIGN_CONFIRM = 4              # packets
    MILLISECOND_NS = 1000000
    GIVE_UP_NS = 3000000000
    SILENCE_NS = 3000000000          # three heartbeats missed

cdef enum Step:                      # what came of a look at the next frame
    STEP_TAKEN = 0
    STEP_NONE = 1                    # it is not here
    STEP_REFUSED = 2                 # by the handler


cdef bint _well_formed(const uint8_t* data, size_t bytes, MoldHeader* header) noexcept nogil:
    """Whether these bytes are one whole packet."""
    cdef MoldReader reader
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef int status = mold_reader_open(&reader, data, bytes)
    if status != STATUS_OK:
        return False
    header[0] = reader.header
    while status == STATUS_OK:
        status = mold_reader_next(&reader, &message, &message_bytes)
    return (status == STATUS_EMPTY and header.sequence_number != 0
            and header.sequence_number <= (<uint64_t>-1) - MOLD_COUNT_END_OF_SESSION)


cdef void _foreign(MulticastReceiver* r, const MoldHeader* header, uint64_t now_ns) noexcept nogil:
    counter_add(r.counters[MULTICAST_FOREIGN], 1)
    if memcmp(r.foreign_session, header.session, SESSION_BYTES) != 0:
        memcpy(r.foreign_session, header.session, SESSION_BYTES)
        r.foreign_streak = 0
    r.foreign_streak += 1
    if r.foreign_streak >= FOREIGN_CONFIRM and r.heard_ns and now_ns - r.heard_ns >= r.silence_ns:
        r.replaced = True


cdef void _learn(MulticastReceiver* r, uint64_t first, uint64_t end,
                 uint64_t now_ns) noexcept nogil:
    """Take note of how far the stream is; a gap is found here."""
    if r.expected == 0:
        r.expected = first
        r.known_end = first
    if end > r.known_end:
        if r.expected == r.known_end and first > r.expected:
            counter_add(r.counters[MULTICAST_GAPS], 1)
            r.gap_ns = now_ns
            r.patient_until_ns = now_ns + r.ask_after_ns
            r.asked_ns = 0
            r.asked_end = 0
        r.known_end = end
    elif end == r.expected:
        counter_add(r.counters[MULTICAST_CURRENT], 1)


cdef void _packet(MulticastReceiver* r, const Datagram* datagram, uint64_t now_ns) noexcept nogil:
    """Judge one datagram: dropped, held, or ready to be handed over."""
    cdef const uint8_t* data = datagram.data
    cdef MoldHeader header
    cdef uint64_t first
    cdef uint64_t end
    cdef uint64_t count
    cdef int status
    if datagram.truncated or not _well_formed(data, datagram.bytes, &header):
        counter_add(r.counters[MULTICAST_MALFORMED], 1)
        return
    if not r.session_known:
        memcpy(r.session, header.session, SESSION_BYTES)
        r.session_known = True
    if memcmp(r.session, header.session, SESSION_BYTES) != 0:
        _foreign(r, &header, now_ns)
        return
    first = header.sequence_number
    count = 0 if header.message_count == MOLD_COUNT_END_OF_SESSION else header.message_count
    end = first + count
    if r.expected != 0 and not belief_in(r, first, end, now_ns):
        counter_add(r.counters[MULTICAST_ABSURD], 1)
        return
    counter_add(r.counters[MULTICAST_PACKETS_FROM + r.batch_source], 1)
    r.heard_ns = now_ns
    r.heard_from_ns[r.batch_source] = now_ns
    r.foreign_streak = 0
    r.stamp_ns = datagram.stamp_ns
    if r.expected != 0 and not r.holding:
        belief_weigh(r, first, end, now_ns)
    _learn(r, first, end, now_ns)
    belief_note_end(r, &header, end)
    if count == 0:
        return
    if r.batch_source == SOURCE_ANSWERS and r.expected < first < r.search_high:
        r.search_high = first
    if end <= r.expected:
        counter_add(r.counters[MULTICAST_DUPLICATES], 1)
    elif first <= r.expected and not r.holding:
        mold_reader_open(&r.reader, data, datagram.bytes)
        r.message_sequence = first
        r.message = NULL
        r.reading = True
    else:
        status = hold_put(&r.held, data, datagram.bytes, r.expected, r.batch_source)
        if status != STATUS_OK:
            counter_add(r.counters[MULTICAST_UNHELD if status == STATUS_FULL
                                   else MULTICAST_DUPLICATES], 1)
    if r.batch_source == SOURCE_ANSWERS and not r.holding:
        recovery_answered(r, end, count)


cdef inline Step _hand_over(MulticastReceiver* r, const FrameHandler* handler,
                            const uint8_t* message, uint16_t message_bytes,
                            uint32_t source) noexcept nogil:
    if handler.frame(handler.context, r.expected, message, message_bytes) != STATUS_OK:
        return STEP_REFUSED
    if r.held.count:
        hold_release(&r.held, r.expected)
    r.expected += 1
    counter_add(r.counters[MULTICAST_FRAMES], 1)
    if source == SOURCE_ANSWERS:
        counter_add(r.counters[MULTICAST_RECOVERED], 1)
    return STEP_TAKEN


cdef Step _from_packet(MulticastReceiver* r, const FrameHandler* handler) noexcept nogil:
    """Hand over the next frame of the packet in hand."""
    cdef Step step
    while True:
        if r.message == NULL:
            if mold_reader_next(&r.reader, &r.message, &r.message_bytes) != STATUS_OK:
                r.reading = False
                return STEP_NONE
        if r.message_sequence == r.expected:
            step = _hand_over(r, handler, r.message, r.message_bytes, r.batch_source)
            if step == STEP_REFUSED:
                return step
            r.message = NULL
            r.message_sequence += 1
            return STEP_TAKEN
        r.message = NULL
        r.message_sequence += 1


cdef Step _from_held(MulticastReceiver* r, const FrameHandler* handler) noexcept nogil:
    cdef uint16_t message_bytes = 0
    cdef uint32_t source = 0
    cdef const uint8_t* message
    if r.held.count == 0:
        return STEP_NONE
    message = hold_find(&r.held, r.expected, &message_bytes, &source)
    return STEP_NONE if message == NULL else _hand_over(r, handler, message, message_bytes, source)


cdef bint _receive(MulticastReceiver* r) noexcept nogil:
    """Get a batch from the next source that has one."""
    cdef int _tried
    cdef int source
    # With nothing missing an answer is a late one, only to be cleared away.
    cdef bint answers = (r.expected < r.known_end or r.holding or recovery_alone(r)
                         or r.passes % ANSWERS_EVERY == 0)
    r.passes += 1
    for _tried in range(SOURCES):
        source = r.source_next
        r.source_next = (source + 1) % SOURCES
        if r.sources[source] < 0 or (source == SOURCE_ANSWERS and not answers):
            continue
        if r.xdp[source] != NULL:
            r.batch_count = xdp_receive(r.xdp[source], &r.batch, r.sources[source],
                                        &r.paces[source])
        else:
            r.batch_count = datagrams_receive(&r.batch, r.sources[source], &r.paces[source])
        r.batch_next = 0
        r.batch_source = source
        if r.batch_count <= 0:
            continue
        if r.batch.dropped_told and r.batch.dropped != r.dropped[source]:
            counter_add(r.counters[MULTICAST_KERNEL_DROPS], r.batch.dropped - r.dropped[source])
            r.dropped[source] = r.batch.dropped
        return True
    r.batch_count = 0
    return False


cdef int _poll(void* self, const FrameHandler* handler, int batch_max,
               uint64_t now_ns) noexcept nogil:
    cdef MulticastReceiver* r = <MulticastReceiver*>self
    cdef int taken = 0
    cdef int receives = 0
    cdef bint more = False           # there may be, in sources that were not looked at
    cdef Step step = STEP_NONE
    if r.started_ns == 0:
        r.started_ns = now_ns
    while taken < batch_max:
        step = _from_packet(r, handler) if r.reading else STEP_NONE
        if step == STEP_NONE and not r.holding:
            step = _from_held(r, handler)
        if step == STEP_TAKEN:
            taken += 1
        elif step == STEP_REFUSED:
            break
        elif r.batch_next < r.batch_count:
            _packet(r, &r.batch.datagrams[r.batch_next], now_ns)
            r.batch_next += 1
        elif receives == RECEIVES_MAX or (taken and r.batch_count < DATAGRAMS_MAX):
            # A short batch was all there is: to ask once more would only keep the caller waiting.
            more = True
            break
        elif not _receive(r):
            break
        else:
            receives += 1
    if taken:
        r.gap_ns = now_ns
        r.search_high = 0
    if taken == batch_max or step == STEP_REFUSED or (taken and more):
        return taken
    if r.holding or recovery_mind_gap(r, handler, now_ns):
        return taken
    if r.end_told and now_ns - r.heard_ns >= r.silence_ns:
        r.session_end = r.end_told
    if taken == 0 and r.expected >= r.known_end and (r.replaced or (
            r.session_end and r.expected >= r.session_end)):
        return -STATUS_CLOSED
    return taken


cdef uint64_t _sequence_next(void* self) noexcept nogil:
    return (<MulticastReceiver*>self).expected


cdef class MulticastSubscription(SubscriptionEnd):
    """MoldUDP64 from one UDP socket or two, bound and joined to a group each; -1: none.

    `rerequest` is a socket connected to the re-request server. With that alone the whole stream is
    asked for from the server, which `session` has to be named to; otherwise the first packet may
    say it. `expected` is the number of the first frame wanted: earlier ones that are still held are
    asked for; 0 begins with the first packet that comes. A gap is asked for after `ask_after_ns`
    (the other group, or a packet that was overtaken, may close it), again every `ask_again_ns`, and
    given up when it has not got smaller for `give_up_ns`, as far as a search finds that the server
    has forgotten it. After `silence_ns` of the stream another session may take its place, and the
    server is asked for the stream if no group has ever brought it. A number more than `jump_max`
    beyond what is known has to be confirmed. Up to `held_packets_max` packets wait for a gap to be
    closed, within `held_frames_max` (a power of two) frames of it. `stamps`: the sockets tell when
    a packet arrived, and `received_ns` is to say so. `xdp`: for each group an XdpFeedReceiver that
    takes its packets before its socket would get them, or None; such packets have no stamps. The
    caller keeps the sockets open; `owner` is kept as long as this. ValueError for settings that
    cannot be.
    """

    def __init__(self, int a, int b=-1, int rerequest=-1, *, str session="",
                 uint64_t expected=1, uint64_t ask_after_ns=MILLISECOND_NS // 5,
                 uint64_t ask_again_ns=5 * MILLISECOND_NS, uint64_t give_up_ns=GIVE_UP_NS,
                 uint64_t silence_ns=SILENCE_NS, uint64_t jump_max=1 << 16,
                 uint32_t held_packets_max=4096, uint64_t held_frames_max=1 << 17,
                 bint stamps=False, xdp=(None, None), CounterSet counters=None, owner=None):
        cdef MulticastReceiver* r = &self.receiver
        super().__init__()
        if len(session) > SESSION_BYTES:
            raise ValueError(f"session: found {session!r}, expected at most {SESSION_BYTES} "
                             "characters")
        if a < 0 and b < 0 and (rerequest < 0 or not session or not expected):
            raise ValueError("a, b: found neither group, expected one, or a re-request server "
                             "with a session and a number")
        if held_frames_max == 0 or held_frames_max & (held_frames_max - 1):
            raise ValueError(f"held_frames_max: found {held_frames_max}, expected a power of two")
        if counters is None:
            counters = CounterSet("subscription", SUBSCRIPTION_COUNTERS)
        self.counters = counters
        self.sockets_owner = owner
        datagrams_close(&r.batch)
        hold_close(&r.held)
        memset(r, 0, sizeof(r[0]))
        r.sockets = host_sockets()
        r.counters = counters.values
        r.sources[SOURCE_A] = a
        r.sources[SOURCE_B] = b
        r.sources[SOURCE_ANSWERS] = rerequest
        self.xdp = tuple(xdp)
        for source, receiver in enumerate(self.xdp):
            if receiver is not None:
                r.xdp[source] = &(<XdpFeedReceiver?>receiver).receiver
        r.paces[SOURCE_A].stamps = stamps
        r.paces[SOURCE_B].stamps = stamps
        r.expected = expected
        r.known_end = expected
        r.stride = STRIDE_START
        r.ask_after_ns = ask_after_ns
        r.ask_again_ns = ask_again_ns
        r.give_up_ns = give_up_ns
        r.silence_ns = silence_ns
        r.jump_max = jump_max
        if session:
            name = session.encode("ascii").ljust(SESSION_BYTES)
            memcpy(r.session, <const char*>name, SESSION_BYTES)
            r.session_known = True
        if (datagrams_open(&r.batch) != STATUS_OK
                or hold_open(&r.held, held_packets_max, held_frames_max) != STATUS_OK):
            raise MemoryError
        self.subscription.self = r
        self.subscription.poll = _poll
        self.subscription.sequence_next = _sequence_next

    def __dealloc__(self):
        datagrams_close(&self.receiver.batch)
        hold_close(&self.receiver.held)

    def hold(self):
        """Hand nothing over any more, and hold what comes, as far as there is room: the first step
        of joining late, before a snapshot is asked for. `splice` is the last one."""
        cdef MulticastReceiver* r = &self.receiver
        hold_trim(&r.held, 0, 0)
        r.holding = True
        r.reading = False
        r.expected = 0
        r.known_end = 0
        r.doubt_end = 0
        r.search_high = 0

    def splice(self, uint64_t sequence):
        """Go on with the frame of this number, as one that has a snapshot of all before it does.
        What came in the meantime and is newer is handed over; what is missing is asked for."""
        cdef MulticastReceiver* r = &self.receiver
        hold_trim(&r.held, sequence, sequence + r.held.mask + 1)
        r.holding = False
        r.expected = sequence
        # What was shown while nothing was known could be anything.
        if r.known_end < sequence or r.known_end - sequence > r.jump_max:
            r.known_end = sequence
        r.gap_ns = iron_clock_mono_ns()
        r.patient_until_ns = 0
        r.asked_ns = 0
        r.asked_end = 0

    @property
    def session(self):
        """The stream's session, empty before it is known."""
        return _name(self.receiver.session) if self.receiver.session_known else ""

    @property
    def session_next(self):
        """The session that has taken the stream's place, empty while none has."""
        return _name(self.receiver.foreign_session) if self.receiver.replaced else ""

    @property
    def known_end(self):
        """The highest next number that any packet has shown; 0 before the first."""
        return self.receiver.known_end

    @property
    def complete(self):
        """Whether everything that the publisher has shown was handed over, and nothing given up."""
        cdef MulticastReceiver* r = &self.receiver
        return r.expected >= r.known_end and r.counters[MULTICAST_LOST_FRAMES][0] == 0

    @property
    def ended(self):
        """Whether the publisher has ended the session and everything came, or was given up."""
        cdef MulticastReceiver* r = &self.receiver
        return r.session_end != 0 and r.expected >= r.session_end

    @property
    def received_ns(self):
        """UNIX time at which the newest packet reached the card or the kernel; 0: not known, as
        without `stamps`, and for the first packets after a host has begun to stamp."""
        return self.receiver.stamp_ns

    @property
    def silent_ns(self):
        """For how long nothing of the session was heard; from the start of time before that."""
        return iron_clock_mono_ns() - self.receiver.heard_ns

    @property
    def silent_from_ns(self):
        """For how long nothing was heard from group A, from group B, and from the re-request
        server: each None before the first packet."""
        cdef int source
        now_ns = iron_clock_mono_ns()
        return tuple(now_ns - self.receiver.heard_from_ns[source]
                     if self.receiver.heard_from_ns[source] else None for source in range(SOURCES))


cdef str _name(const char* session):
    return session[:SESSION_BYTES].decode("ascii", "replace").strip()
