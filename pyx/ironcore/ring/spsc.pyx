"""Single-producer single-consumer ring of variable-length frames in a segment file.

The hot path, and why every kill leaves a ring to go on with, are in spsc.pxd.
"""

import os
from typing import NamedTuple

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.check cimport iron_static_assert
from ironcore.ring.frame cimport frame_find_end, frame_sequence_at
from ironcore.ring.mapped_file cimport (
    LOCK_PRODUCER, LOCK_READER_FIRST, SEGMENT_PAIR_BYTES, SEGMENT_SPSC, segment_create,
    segment_open)

from ironcore.ring.mapped_file import Created, OwnerState, SegmentError, round_capacity


class Positions(NamedTuple):
    """Where a ring stands. Positions are byte counts since its creation."""

    tail: int                        # behind the last committed frame
    head: int                        # behind the last released frame
    used_bytes: int
    capacity_bytes: int
    sequence_next: int               # of the next frame to be offered
    full_count: int                  # claims refused because the ring was full
    producer: OwnerState
    consumer: OwnerState


cdef void _check_layout() noexcept nogil:
    iron_static_assert(sizeof(FrameHeader) == FRAME_HEADER_BYTES)
    iron_static_assert(sizeof(SpscHeadPair) == SEGMENT_PAIR_BYTES)
    iron_static_assert(sizeof(SpscHeader) == 640)


cdef int spsc_make_room(SpscProducer* ring, uint64_t needed_bytes) noexcept nogil:
    ring.head_cached = load_acquire_u64(ring.head_shared)
    iron_assert(ring.head_cached <= ring.tail, "a consumer is never ahead of its producer")
    if ring.tail + needed_bytes - ring.head_cached <= ring.capacity_bytes:
        return STATUS_OK
    store_release_u64(ring.full_count, ring.full_count[0] + 1)
    return STATUS_FULL


def create(path, capacity_bytes, sequence_next=1, huge_pages="off", lock="off",
           numa_node=None):
    """Make the segment file of a ring for payloads of up to an eighth of its capacity.

    The capacity is rounded up to a power of two; see `Created`. FileExistsError when the path is
    taken, SegmentError when the request cannot be met, OSError when the system refuses.
    """
    cdef Segment segment
    path = os.fspath(path)
    capacity = round_capacity(path, capacity_bytes)
    segment = segment_create(path, SEGMENT_SPSC, capacity, sequence_next, huge_pages, lock,
                             numa_node)
    frame_terminate(segment.data, 0, sequence_next)
    segment.complete()
    return Created(path, capacity, capacity_bytes, segment.huge_pages, segment.locked,
                   segment.numa)


cdef Segment _open(str path, bint header_writable, bint data_writable):
    cdef Segment segment = segment_open(path, SEGMENT_SPSC, header_writable, data_writable)
    cdef SpscHeader* header = <SpscHeader*>segment.header
    segment.check_position("head position", header.head.head)
    segment.check_position("tail position", header.tail.tail)
    return segment


def positions(path):
    """Where the ring in `path` stands, alive or dead."""
    cdef Segment segment = _open(os.fspath(path), False, False)
    cdef SpscHeader* header = <SpscHeader*>segment.header
    cdef uint64_t head, tail, sequence_next
    while True:
        # The head first: it never passes a tail that is read later, but for one whose producer
        # died before it could publish it.
        head = load_acquire_u64(&header.head.head)
        tail = load_acquire_u64(&header.tail.tail)
        sequence_next = frame_sequence_at(segment.data, tail & (segment.capacity_bytes - 1))
        # Else the ring went on by so much that the header there may be another frame's.
        if load_acquire_u64(&header.tail.tail) - tail < segment.capacity_bytes // 2:
            break
    tail = max(tail, head)
    return Positions(tail, head, tail - head, segment.capacity_bytes, sequence_next,
                     header.tail.full_count,
                     segment.owner_state(LOCK_PRODUCER, &header.segment.producer),
                     segment.owner_state(LOCK_READER_FIRST, &header.consumer))


cdef class Producer:
    """The one producer of a ring. Goes on behind the last frame that was ever committed.

    SegmentError when the file is not such a ring, SegmentHeldError while another producer lives.
    """

    def __init__(self, path):
        cdef Segment segment = _open(os.fspath(path), True, True)
        cdef SpscHeader* header = <SpscHeader*>segment.header
        cdef uint64_t mask = segment.capacity_bytes - 1
        segment.hold(LOCK_PRODUCER, &header.segment.producer, "producer")
        self.segment = segment
        self.ring.data = segment.data
        self.ring.capacity_bytes = segment.capacity_bytes
        self.ring.tail_shared = &header.tail.tail
        self.ring.head_shared = &header.head.head
        self.ring.full_count = &header.tail.full_count
        self.ring.owner = &header.segment.producer
        self.ring.tail = frame_find_end(segment.data, header.tail.tail, mask)
        self.ring.claimed = self.ring.tail - 1
        self.ring.head_cached = load_acquire_u64(&header.head.head)
        if self.ring.tail - self.ring.head_cached > segment.capacity_bytes:
            raise SegmentError(segment.path, "head position", self.ring.head_cached,
                               f"at most one capacity before the tail's, {self.ring.tail}")
        self.ring.sequence_next = frame_sequence_at(segment.data, self.ring.tail & mask)
        store_release_u64(&header.tail.tail, self.ring.tail)

    def offer(self, const uint8_t[::1] payload):
        """Append one frame: STATUS_OK, STATUS_FULL or STATUS_TOO_LARGE as a number."""
        cdef const uint8_t* start = &payload[0] if payload.shape[0] else NULL
        if payload.shape[0] > <Py_ssize_t>(self.ring.capacity_bytes // FRAME_CAPACITY_SHARE):
            return STATUS_TOO_LARGE
        return spsc_offer(&self.ring, start, <uint32_t>payload.shape[0])

    @property
    def sequence_next(self):
        """Sequence number of the next frame."""
        return self.ring.sequence_next

    @property
    def payload_bytes_max(self):
        """The longest payload that a claim accepts."""
        return self.ring.capacity_bytes // FRAME_CAPACITY_SHARE

    @property
    def full_count(self):
        """How many claims were refused because the ring was full, ever."""
        return self.ring.full_count[0]

    @property
    def huge_pages(self):
        """How many bytes of the ring lie in huge pages here, or why none do."""
        return self.segment.huge_pages

    @property
    def locked(self):
        """Whether this process keeps the ring in memory: "off", "locked in memory", or why not."""
        return self.segment.locked


cdef class Consumer:
    """The one consumer of a ring. Goes on behind the last frame that was ever released.

    SegmentError when the file is not such a ring, SegmentHeldError while another consumer lives.
    """

    def __init__(self, path):
        cdef Segment segment = _open(os.fspath(path), True, False)
        cdef SpscHeader* header = <SpscHeader*>segment.header
        segment.hold(LOCK_READER_FIRST, &header.consumer, "consumer")
        self.segment = segment
        self.ring.data = segment.data
        self.ring.capacity_bytes = segment.capacity_bytes
        self.ring.tail_shared = &header.tail.tail
        self.ring.head_shared = &header.head.head
        self.ring.owner = &header.consumer
        self.ring.head = self.ring.frame_end = load_acquire_u64(&header.head.head)

    def poll(self, int frames_max):
        """Take up to `frames_max` frames and release them: [(sequence, payload)]."""
        cdef const uint8_t* payload = NULL
        cdef uint32_t payload_bytes = 0
        cdef uint64_t sequence = 0
        frames = []
        while len(frames) < frames_max:
            if spsc_peek(&self.ring, &payload, &payload_bytes, &sequence) != STATUS_OK:
                break
            frames.append((sequence, payload[:payload_bytes]))
            spsc_advance(&self.ring)
        spsc_release(&self.ring)
        return frames

    @property
    def huge_pages(self):
        """How many bytes of the ring lie in huge pages here, or why none do."""
        return self.segment.huge_pages

    @property
    def locked(self):
        """Whether this process keeps the ring in memory: "off", "locked in memory", or why not."""
        return self.segment.locked
