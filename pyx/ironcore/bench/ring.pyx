"""Round trips and throughput of the rings between two pinned threads, beside bare cache lines.

A round trip goes from before the first store of a 64-byte message to after the last load of the
equal answer, through one ring each way. Throughput is one way: as many messages as possible from
before the first store to after the last load. The floor of a round trip is one cache line that each
side writes and the other spins on: what the two cores cannot do without.

A claim of the broadcast ring is timed by itself, with nobody reading: what it costs is the ring's
own work then. It is the same in each lap, and the least of several laps is without what others did
meanwhile.

Whoever waits pauses between two looks, as a runner does that spins: a core that looks without a
pause takes the line away while it is being written, and both wait longer (on an EPYC of the
Zen 4 kind 208 ns a round trip instead of 175).
"""

import tempfile

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ironcore.base.atomics cimport cpu_pause, load_acquire_u64, store_release_u64
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_OK
from ironcore.ring cimport broadcast, spsc
from ironcore.ring.broadcast_producer cimport (
    BroadcastProducer, broadcast_claim, broadcast_commit)
from ironcore.ring.broadcast_reader cimport (
    broadcast_advance, broadcast_peek, broadcast_release)
from ironcore.ring.spsc cimport spsc_advance, spsc_claim, spsc_commit, spsc_peek, spsc_release
from ironcore.ring.frame cimport frame_span
from ironcore.bench.course cimport GOODBYE, BothWays, Course, course_ask, course_drain

from ironcore.ring import broadcast as broadcast_rings
from ironcore.ring import spsc as spsc_rings

cdef extern from "stdlib.h" nogil:
    void* aligned_alloc(size_t alignment, size_t size)

CARRIERS = {"line": CARRIER_LINE, "spsc": CARRIER_SPSC, "broadcast": CARRIER_BROADCAST}

cdef enum:
    LINES_BYTES = 256                # two lines, and their neighbours, which are fetched in pairs
    LINE_BACK = 16                   # index of the second one


cdef inline void _send(End* end, uint64_t value) noexcept nogil:
    cdef uint8_t* place = NULL
    memcpy(end.payload, &value, 8)
    if end.carrier == CARRIER_SPSC:
        while spsc_claim(end.spsc_out, PAYLOAD_BYTES, &place) != STATUS_OK:
            cpu_pause()
        memcpy(place, end.payload, PAYLOAD_BYTES)
        spsc_commit(end.spsc_out, PAYLOAD_BYTES)
    elif end.carrier == CARRIER_BROADCAST:
        while broadcast_claim(end.broadcast_out, PAYLOAD_BYTES, &place, 0) != STATUS_OK:
            cpu_pause()
        memcpy(place, end.payload, PAYLOAD_BYTES)
        broadcast_commit(end.broadcast_out, PAYLOAD_BYTES)
    else:
        store_release_u64(end.line_out, value)


cdef inline uint64_t _receive(End* end) noexcept nogil:
    cdef const uint8_t* place = NULL
    cdef uint32_t length = 0
    cdef uint64_t sequence = 0, value
    if end.carrier == CARRIER_SPSC:
        while spsc_peek(end.spsc_in, &place, &length, &sequence) != STATUS_OK:
            cpu_pause()
        memcpy(end.payload, place, PAYLOAD_BYTES)
        spsc_advance(end.spsc_in)
        spsc_release(end.spsc_in)
    elif end.carrier == CARRIER_BROADCAST:
        while broadcast_peek(end.broadcast_in, &place, &length, &sequence) != STATUS_OK:
            cpu_pause()
        memcpy(end.payload, place, PAYLOAD_BYTES)
        broadcast_advance(end.broadcast_in)
        broadcast_release(end.broadcast_in)
    else:
        value = load_acquire_u64(end.line_in)
        while value == end.line_last:
            cpu_pause()
            value = load_acquire_u64(end.line_in)
        end.line_last = value
        return value
    memcpy(&value, end.payload, 8)
    return value


cdef void _trip(void* context, uint64_t value) noexcept nogil:
    _send(<End*>context, value)
    _receive(<End*>context)


cdef void _take(void* context, uint64_t taken, uint64_t count) noexcept nogil:
    cdef uint64_t _i
    for _i in range(count):
        _receive(<End*>context)


cdef class Conversation(BothWays):
    """Two ends that are joined both ways by one carrier.

    `cpus` are the cores of the near and the far end; rings are made in `directory`.
    """

    def __cinit__(self):
        self.lines = <uint64_t*>aligned_alloc(128, LINES_BYTES)
        if self.lines == NULL:
            raise MemoryError(LINES_BYTES)
        memset(self.lines, 0, LINES_BYTES)

    def __dealloc__(self):
        free(self.lines)

    def __init__(self, str carrier, cpus, capacity_bytes=1 << 16, directory="/dev/shm"):
        super().__init__(cpus)
        self.near.carrier = self.far.carrier = CARRIERS[carrier]
        self.near.line_out, self.near.line_in = self.lines, self.lines + LINE_BACK
        self.far.line_out, self.far.line_in = self.lines + LINE_BACK, self.lines
        self.rings = []
        if self.near.carrier == CARRIER_LINE:
            return
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            self._join(&self.near, &self.far, f"{scratch}/there.ring", capacity_bytes)
            self._join(&self.far, &self.near, f"{scratch}/back.ring", capacity_bytes)

    cdef int _join(self, End* sender, End* receiver, str path, capacity_bytes) except -1:
        cdef spsc.Producer spsc_producer
        cdef spsc.Consumer spsc_consumer
        cdef broadcast.Producer broadcast_producer
        cdef broadcast.Reader broadcast_reader
        if sender.carrier == CARRIER_SPSC:
            spsc_rings.create(path, capacity_bytes)
            spsc_producer, spsc_consumer = spsc.Producer(path), spsc.Consumer(path)
            sender.spsc_out, receiver.spsc_in = &spsc_producer.ring, &spsc_consumer.ring
            self.rings += [spsc_producer, spsc_consumer]
        else:
            broadcast_rings.create(path, capacity_bytes, {"far": broadcast_rings.Gating()})
            broadcast_producer = broadcast.Producer(path)
            broadcast_reader = broadcast.Reader(path, "far")
            sender.broadcast_out = &broadcast_producer.ring
            receiver.broadcast_in = &broadcast_reader.ring
            self.rings += [broadcast_producer, broadcast_reader]
        return 0

    cdef void ask(self, Course* course) noexcept nogil:
        course_ask(&self.near, _trip, course)

    cdef void answer(self) noexcept nogil:
        cdef uint64_t value = 1
        while value != GOODBYE:
            value = _receive(&self.far)
            _send(&self.far, value)

    cdef void pour(self, Course* course) noexcept nogil:
        cdef uint64_t i
        for i in range(course.blocks * course.block_messages):
            _send(&self.near, i + 1)

    cdef void drain(self, Course* course) noexcept nogil:
        course_drain(&self.far, _take, course)

    def one_way(self, blocks, block_messages):
        """The ns that each block of messages took to arrive, as a uint64 array."""
        if self.near.carrier == CARRIER_LINE:
            raise ValueError("a bare line holds one message: it has no throughput of its own")
        return BothWays.one_way(self, blocks, block_messages)


cdef void _claim_a_lap(BroadcastProducer* ring, uint64_t* least_ns, uint64_t count) noexcept nogil:
    """Fill the ring once; of each claim the time that it took, if none has been shorter."""
    cdef uint8_t* place = NULL
    cdef uint64_t i, start_ns
    for i in range(count):
        start_ns = iron_clock_mono_ns()
        broadcast_claim(ring, PAYLOAD_BYTES, &place, 0)
        least_ns[i] = min(least_ns[i], iron_clock_mono_ns() - start_ns)
        memset(place, 1, PAYLOAD_BYTES)
        broadcast_commit(ring, PAYLOAD_BYTES)


def claim_ns(capacity_bytes, laps, directory="/dev/shm"):
    """The ns of each claim in a lap of a broadcast ring, the least of `laps` laps, as a uint64
    array. Two looks at the clock are in each."""
    cdef broadcast.Producer producer
    cdef uint64_t[::1] least_ns
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        created = broadcast_rings.create(f"{scratch}/claims.ring", capacity_bytes, {})
        producer = broadcast.Producer(created.path)
    claims = created.capacity_bytes // frame_span(PAYLOAD_BYTES)
    # The first lap overwrites nothing, so that it needs no room.
    for lap in range(1 + laps):
        if lap < 2:
            least_ns = np.full(claims, 1 << 63, dtype=np.uint64)
        with nogil:
            _claim_a_lap(&producer.ring, &least_ns[0], <uint64_t>least_ns.shape[0])
    return np.asarray(least_ns)
