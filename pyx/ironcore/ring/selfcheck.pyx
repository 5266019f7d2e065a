"""Counts what a ring must never do: torn, lost, duplicated and reordered frames.

The payload of a frame follows from its sequence number, so any reader can say whether a frame is
whole without having seen the producer, also when either was killed and started anew. Run a
producer and a reader on two cores, as threads (the loops release the GIL) or processes; all
forbidden outcomes must be 0 on every processor that ironpit is brought to. The faults show that
the counts can be something else.
"""

from typing import NamedTuple

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.atomics cimport cpu_pause, load_acquire_u64, store_release_u64
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_EMPTY, STATUS_EVICTED, STATUS_OK, STATUS_OVERRUN
from ironcore.ring cimport broadcast, spsc
from ironcore.ring.broadcast_file cimport BroadcastHeader
from ironcore.ring.broadcast_producer cimport (
    BroadcastProducer, broadcast_claim, broadcast_commit)
from ironcore.ring.broadcast_reader cimport (
    BroadcastReader, broadcast_advance, broadcast_intact, broadcast_join, broadcast_leave,
    broadcast_peek, broadcast_release)
from ironcore.ring.frame cimport FRAME_HEADER_BYTES, FrameHeader, frame_span
from ironcore.ring.spsc cimport SpscConsumer, SpscProducer

cdef extern from "sched.h" nogil:
    int sched_yield()

FAULTS = {
    "none": FAULT_NONE,
    "commit-first": FAULT_COMMIT_FIRST,
    "ignore-stamp": FAULT_IGNORE_STAMP,
    "ignore-overrun": FAULT_IGNORE_OVERRUN,
    "skip-frame": FAULT_SKIP_FRAME,
    "repeat-frame": FAULT_REPEAT_FRAME,
}
_DAY_NS = 86_400_000_000_000


class Outcomes(NamedTuple):
    """What a reader saw. The first four are forbidden."""

    torn: int                        # not the payload of its sequence number
    lost: int                        # skipped, and not reported as lost by the ring
    duplicated: int                  # with the sequence number of the frame before
    reordered: int                   # with a lower one
    frames: int
    payload_bytes: int
    reported_lost: int               # lossy: what the ring said was lost
    sequence_first: int              # of the first frame seen, 0: none was
    sequence_next: int               # that the next frame should have
    elapsed_ns: int

    @property
    def forbidden(self):
        """Forbidden outcomes together."""
        return self.torn + self.lost + self.duplicated + self.reordered


cdef enum:
    RELEASE_BATCH = 16
    SPINS_MAX = 256                  # before the core is offered to whoever else wants it
    FAULT_PERIOD = 1024
    FRAMES_A_VISIT_MAX = 20


cdef uint32_t _payload_length(uint64_t sequence, uint32_t bytes_max) noexcept nogil:
    return <uint32_t>((sequence * <uint64_t>0x9E3779B97F4A7C15 >> 32) % (bytes_max + 1))


cdef inline uint64_t _payload_word(uint64_t sequence, uint64_t index) noexcept nogil:
    return (sequence ^ index << 48) * <uint64_t>0xD6E8FEB86659FD93


cdef void _write_payload(uint8_t* payload, uint32_t length, uint64_t sequence) noexcept nogil:
    cdef uint64_t word
    cdef uint32_t at = 0
    while at + 8 <= length:
        word = _payload_word(sequence, at)
        memcpy(payload + at, &word, 8)
        at += 8
    word = _payload_word(sequence, at)
    memcpy(payload + at, &word, length - at)


cdef bint _is_whole(const uint8_t* payload, uint32_t length, uint64_t sequence,
                    uint32_t bytes_max) noexcept nogil:
    cdef uint64_t word, found
    cdef uint32_t at = 0
    if length != _payload_length(sequence, bytes_max):
        return False
    while at + 8 <= length:
        memcpy(&found, payload + at, 8)
        if found != _payload_word(sequence, at):
            return False
        at += 8
    word = _payload_word(sequence, at)
    return memcmp(payload + at, &word, length - at) == 0


cdef void _judge(Counts* counts, bint whole, uint32_t length, uint64_t sequence) noexcept nogil:
    if counts.frames == 0:
        counts.sequence_first = sequence
    if counts.sequence_next == 0:
        counts.sequence_next = sequence
    if not whole:
        counts.torn += 1
    if sequence > counts.sequence_next:
        counts.lost += sequence - counts.sequence_next
    elif sequence + 1 == counts.sequence_next:
        counts.duplicated += 1
    elif sequence < counts.sequence_next:
        counts.reordered += 1
    counts.sequence_next = sequence + 1
    counts.frames += 1
    counts.payload_bytes += length
    if counts.progress != NULL:
        store_release_u64(counts.progress, sequence)


# Spins a while, then yields; False when the time is over.
cdef bint _wait(uint32_t* spins, uint64_t deadline_ns) noexcept nogil:
    spins[0] += 1
    if spins[0] < SPINS_MAX:
        cpu_pause()
        return True
    spins[0] = 0
    sched_yield()
    return iron_clock_mono_ns() < deadline_ns


# Time for a reader to see what it should not, on another core or on this one.
cdef void _delay() noexcept nogil:
    cdef int _i
    for _i in range(20):
        cpu_pause()
    sched_yield()


cdef void _produce_spsc(SpscProducer* ring, uint64_t count, uint32_t bytes_max, int fault,
                        uint64_t deadline_ns) noexcept nogil:
    cdef uint8_t* payload = NULL
    cdef uint64_t sequence
    cdef uint32_t length, spins = 0
    while count > 0:
        sequence = ring.sequence_next
        length = _payload_length(sequence, bytes_max)
        if spsc.spsc_claim(ring, length, &payload) != STATUS_OK:
            if not _wait(&spins, deadline_ns):
                return
            continue
        if fault != FAULT_COMMIT_FIRST:
            _write_payload(payload, length, sequence)
        spsc.spsc_commit(ring, length)
        if fault == FAULT_COMMIT_FIRST:
            _delay()
            _write_payload(payload, length, sequence)
        count -= 1


# Takes whatever is at its position for a frame, as far as that lies within the ring.
cdef int _peek_any(SpscConsumer* ring, const uint8_t** payload, uint32_t* length,
                   uint64_t* sequence) noexcept nogil:
    cdef uint64_t index = ring.head & (ring.capacity_bytes - 1)
    cdef const FrameHeader* header = <const FrameHeader*>(ring.data + index)
    length[0] = <uint32_t>load_acquire_u64(&header.commit)
    if index + frame_span(length[0]) > ring.capacity_bytes:
        length[0] = 0
    sequence[0] = header.sequence
    payload[0] = <const uint8_t*>header + FRAME_HEADER_BYTES
    ring.frame_end = ring.head + frame_span(length[0])
    return STATUS_OK


cdef void _consume_spsc(SpscConsumer* ring, Counts* counts, uint64_t until_sequence,
                        uint32_t bytes_max, int fault, uint64_t deadline_ns) noexcept nogil:
    cdef const uint8_t* payload = NULL
    cdef uint64_t sequence = 0
    cdef uint32_t length = 0, spins = 0
    cdef int status
    # A reader that runs wild may never come to the number that it is waiting for.
    cdef uint64_t frames_max = 2 * (until_sequence - counts.sequence_next)
    while counts.sequence_next < until_sequence and counts.frames < frames_max:
        if fault == FAULT_IGNORE_STAMP:
            status = _peek_any(ring, &payload, &length, &sequence)
        else:
            status = spsc.spsc_peek(ring, &payload, &length, &sequence)
        if status != STATUS_OK:
            spsc.spsc_release(ring)
            if not _wait(&spins, deadline_ns):
                return
            continue
        _judge(counts, _is_whole(payload, length, sequence, bytes_max), length, sequence)
        if fault == FAULT_REPEAT_FRAME and sequence % FAULT_PERIOD == 0:
            _judge(counts, True, length, sequence)
        spsc.spsc_advance(ring)
        if fault == FAULT_SKIP_FRAME and sequence % FAULT_PERIOD == 0:
            if spsc.spsc_peek(ring, &payload, &length, &sequence) == STATUS_OK:
                spsc.spsc_advance(ring)
        # A reader that runs wild releases nothing: the producer would call that broken, and abort.
        if sequence % RELEASE_BATCH == 0 and fault != FAULT_IGNORE_STAMP:
            spsc.spsc_release(ring)
    if fault != FAULT_IGNORE_STAMP:
        spsc.spsc_release(ring)


cdef void _produce_broadcast(BroadcastProducer* ring, uint64_t count, uint32_t bytes_max, int fault,
                             uint64_t deadline_ns) noexcept nogil:
    cdef uint8_t* payload = NULL
    cdef uint64_t sequence
    cdef uint32_t length, spins = 0
    while count > 0:
        sequence = ring.sequence_next
        length = _payload_length(sequence, bytes_max)
        if broadcast_claim(ring, length, &payload, iron_clock_mono_ns()) != STATUS_OK:
            if not _wait(&spins, deadline_ns):
                return
            continue
        if fault != FAULT_COMMIT_FIRST:
            _write_payload(payload, length, sequence)
        broadcast_commit(ring, length)
        if fault == FAULT_COMMIT_FIRST:
            _delay()
            _write_payload(payload, length, sequence)
        count -= 1


# A lossy reader that does not look whether it was lapped, but for when it finds nothing to read.
cdef int _peek_blindly(BroadcastReader* ring, BroadcastHeader* blind, const uint8_t** payload,
                       uint32_t* length, uint64_t* sequence) noexcept nogil:
    cdef BroadcastHeader* header = ring.header
    ring.header = blind
    cdef int status = broadcast_peek(ring, payload, length, sequence)
    ring.header = header
    if status != STATUS_OK:
        status = broadcast_peek(ring, payload, length, sequence)
    return status


cdef int _consume_broadcast(BroadcastReader* ring, Counts* counts, uint64_t until_sequence,
                            uint32_t bytes_max, BroadcastHeader* blind,
                            uint64_t deadline_ns) noexcept nogil:
    cdef const uint8_t* payload = NULL
    cdef uint64_t sequence = 0, lost_before
    cdef uint32_t length = 0, spins = 0
    cdef int status = STATUS_OK
    cdef bint whole
    while counts.sequence_next < until_sequence:
        lost_before = ring.lost_frames
        if blind != NULL:
            status = _peek_blindly(ring, blind, &payload, &length, &sequence)
        else:
            status = broadcast_peek(ring, &payload, &length, &sequence)
        if status == STATUS_OVERRUN:
            counts.reported_lost += ring.lost_frames - lost_before
            counts.sequence_next += ring.lost_frames - lost_before
        elif status == STATUS_EMPTY:
            broadcast_release(ring)
            if not _wait(&spins, deadline_ns):
                return status
        elif status != STATUS_OK:
            return status
        else:
            whole = _is_whole(payload, length, sequence, bytes_max)
            # What was read in place counts only if it was this reader's to read until now.
            if broadcast_intact(ring) != STATUS_OK:
                return STATUS_EVICTED
            _judge(counts, whole, length, sequence)
            broadcast_advance(ring)
            if sequence % RELEASE_BATCH == 0:
                broadcast_release(ring)
    return broadcast_release(ring)


# Leaves, is lapped, joins while the producer is overwriting, reads some frames in place, and so on.
cdef int _visit_broadcast(BroadcastReader* ring, Counts* counts, uint64_t visits,
                          uint32_t bytes_max, uint64_t deadline_ns) noexcept nogil:
    cdef const uint8_t* payload = NULL
    cdef uint64_t sequence = 0, tail, _frame
    cdef uint32_t length = 0, spins = 0
    cdef bint whole
    while visits > 0:
        broadcast_leave(ring)
        # Behind padding the position may be ahead of the published tail.
        while load_acquire_u64(&ring.header.tail.tail) < ring.position + ring.capacity_bytes:
            if not _wait(&spins, deadline_ns):
                return STATUS_EMPTY
        broadcast_join(ring)
        counts.sequence_next = ring.sequence_next
        for _frame in range(visits % FRAMES_A_VISIT_MAX):
            tail = load_acquire_u64(&ring.header.tail.tail)
            if broadcast_peek(ring, &payload, &length, &sequence) != STATUS_OK:
                # Nothing there before the tail: it was overwritten.
                counts.lost += ring.position < tail
                break
            whole = _is_whole(payload, length, sequence, bytes_max)
            if broadcast_intact(ring) != STATUS_OK:
                break
            _judge(counts, whole, length, sequence)
            broadcast_advance(ring)
        broadcast_release(ring)
        visits -= 1
    return broadcast_intact(ring)


cdef object _outcomes(Counts* counts, uint64_t start_ns):
    return Outcomes(counts.torn, counts.lost, counts.duplicated, counts.reordered, counts.frames,
                    counts.payload_bytes, counts.reported_lost, counts.sequence_first,
                    counts.sequence_next, iron_clock_mono_ns() - start_ns)


cdef int _begin(Counts* counts, uint64_t sequence_next, uint64_t[::1] progress) except -1:
    memset(counts, 0, sizeof(Counts))
    counts.sequence_next = sequence_next
    if progress is not None:
        counts.progress = &progress[0]
    return 0


def produce_spsc(spsc.Producer producer not None, uint64_t count, uint32_t payload_bytes_max=64,
                 str fault="none", uint64_t timeout_ns=_DAY_NS):
    """Offer `count` frames of 0 to `payload_bytes_max` bytes, waiting where the ring is full."""
    cdef int fault_number = FAULTS[fault]
    with nogil:
        _produce_spsc(&producer.ring, count, payload_bytes_max, fault_number,
                      iron_clock_mono_ns() + timeout_ns)


def consume_spsc(spsc.Consumer consumer not None, uint64_t sequence_next, uint64_t until_sequence,
                 uint32_t payload_bytes_max=64, str fault="none", uint64_t timeout_ns=_DAY_NS,
                 uint64_t[::1] progress=None):
    """Take and judge frames, expecting `sequence_next`, until `until_sequence` is next.

    With `sequence_next` 0 the first frame may have any number. `progress[0]` is set to the number
    of each frame that was judged, before it is released.
    """
    cdef int fault_number = FAULTS[fault]
    cdef Counts counts
    cdef uint64_t start_ns = iron_clock_mono_ns()
    _begin(&counts, sequence_next, progress)
    with nogil:
        _consume_spsc(&consumer.ring, &counts, until_sequence, payload_bytes_max, fault_number,
                      start_ns + timeout_ns)
    return _outcomes(&counts, start_ns)


def produce_broadcast(broadcast.Producer producer not None, uint64_t count,
                      uint32_t payload_bytes_max=64, str fault="none",
                      uint64_t timeout_ns=_DAY_NS):
    """As produce_spsc."""
    cdef int fault_number = FAULTS[fault]
    with nogil:
        _produce_broadcast(&producer.ring, count, payload_bytes_max, fault_number,
                           iron_clock_mono_ns() + timeout_ns)


def consume_broadcast(broadcast.Reader reader not None, uint64_t sequence_next,
                      uint64_t until_sequence, uint32_t payload_bytes_max=64, str fault="none",
                      uint64_t timeout_ns=_DAY_NS, uint64_t[::1] progress=None):
    """As consume_spsc, and the status that ended it: (status, outcomes)."""
    cdef Counts counts
    cdef uint64_t start_ns = iron_clock_mono_ns()
    cdef BroadcastHeader blind
    cdef BroadcastHeader* blind_header = NULL
    cdef int status
    _begin(&counts, sequence_next, progress)
    if FAULTS[fault] == FAULT_IGNORE_OVERRUN:
        memset(&blind, 0, sizeof(BroadcastHeader))
        blind_header = &blind
    with nogil:
        status = _consume_broadcast(&reader.ring, &counts, until_sequence, payload_bytes_max,
                                    blind_header, start_ns + timeout_ns)
    return status, _outcomes(&counts, start_ns)


def visit_broadcast(broadcast.Reader reader not None, uint64_t visits,
                    uint32_t payload_bytes_max=64, uint64_t timeout_ns=_DAY_NS):
    """Leave, be lapped and join `visits` times, judging a few frames each: (status, outcomes)."""
    cdef Counts counts
    cdef uint64_t start_ns = iron_clock_mono_ns()
    cdef int status
    if reader.ring.slot == NULL:
        raise ValueError("a lossy reader has no slot")
    _begin(&counts, 0, None)
    with nogil:
        status = _visit_broadcast(&reader.ring, &counts, visits, payload_bytes_max,
                                  start_ns + timeout_ns)
    return status, _outcomes(&counts, start_ns)
