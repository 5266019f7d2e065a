# Single-producer single-consumer ring of variable-length frames in a segment file.
#
# Producer: claim -> write the payload -> commit; or offer. Consumer: peek -> advance (its own
# position only) -> release (lets the producer reuse the space). All positions are byte counts that
# never wrap; index = position & (capacity - 1).
#
# The consumer polls the commit word of the frame it waits for, so one cache line carries both the
# news and the start of the frame. The published tail is for restarts and reports only.
#
# Killed at any instant, each side leaves a ring that its successor can go on with:
# - commit stores (1) the terminator behind the frame, (2) its commit word, (3) the published
#   tail. Before (2) the successor finds the old terminator at the tail and the frame never was.
#   After (2) it walks from the published tail over the committed frames to the terminator of (1).
# - the padding of a wrap stores (1) the terminator at the start of the ring, then (2) the padding's
#   commit word: after (2) the walk goes on at the start and ends at (1).
# - release stores one word. Frames peeked and not released are seen again by the successor.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport STATUS_EMPTY, STATUS_FULL, STATUS_OK, STATUS_TOO_LARGE
from ironcore.ring.frame cimport (
    FRAME_CAPACITY_SHARE, FRAME_HEADER_BYTES, FRAME_PADDING, FrameHeader, frame_commit_word,
    frame_pad, frame_span, frame_stamp, frame_terminate)
from ironcore.ring.mapped_file cimport Segment, SegmentHeader, SegmentOwner, SegmentTailPair

cdef struct SpscHeadPair:            # 128 bytes, written by the consumer
    uint64_t head                    # position behind the last released frame
    uint8_t head_pad[120]

cdef struct SpscHeader:              # 640 bytes
    SegmentHeader segment
    SegmentTailPair tail
    SpscHeadPair head
    SegmentOwner consumer
    uint8_t consumer_pad[80]

cdef struct SpscProducer:
    uint8_t* data
    uint64_t capacity_bytes
    uint64_t* tail_shared            # published position of the next frame
    uint64_t* head_shared            # the consumer's released position
    uint64_t* full_count             # counter of refusals, in the segment
    SegmentOwner* owner              # for segment_beat
    uint64_t tail
    uint64_t head_cached
    uint64_t claimed                 # position of the claimed frame; not the tail: no claim
    uint64_t sequence_next
    uint32_t claimed_bytes

cdef struct SpscConsumer:
    const uint8_t* data
    uint64_t capacity_bytes
    uint64_t* tail_shared
    uint64_t* head_shared
    SegmentOwner* owner
    uint64_t head                    # position of the next frame to peek
    uint64_t frame_end               # where advance() goes


# Looks at the consumer's position anew: whether `needed_bytes` from the tail on are free.
cdef int spsc_make_room(SpscProducer* ring, uint64_t needed_bytes) noexcept nogil


# STATUS_OK with *payload set, STATUS_FULL (counted), or STATUS_TOO_LARGE (over capacity / 8).
# A claim that is not committed is forgotten at the next one.
cdef inline int spsc_claim(SpscProducer* ring, uint32_t payload_bytes,
                           uint8_t** payload) noexcept nogil:
    cdef uint64_t span = frame_span(payload_bytes)
    cdef uint64_t mask = ring.capacity_bytes - 1
    cdef uint64_t room = ring.capacity_bytes - (ring.tail & mask)
    # The terminator behind the frame needs space as well.
    cdef uint64_t needed = span + FRAME_HEADER_BYTES
    if payload_bytes > ring.capacity_bytes // FRAME_CAPACITY_SHARE:
        return STATUS_TOO_LARGE
    if span > room:
        needed += room
    if ring.tail + needed - ring.head_cached > ring.capacity_bytes:
        if spsc_make_room(ring, needed) != STATUS_OK:
            return STATUS_FULL
    if span > room:
        frame_pad(ring.data, ring.tail, mask, ring.sequence_next)
        ring.tail += room
    ring.claimed = ring.tail
    ring.claimed_bytes = payload_bytes
    payload[0] = ring.data + (ring.tail & mask) + FRAME_HEADER_BYTES
    return STATUS_OK


# Publishes the claimed frame, or its first payload_bytes, and returns its sequence number, which
# stands in the header already: the terminator was written with it.
cdef inline uint64_t spsc_commit(SpscProducer* ring, uint32_t payload_bytes) noexcept nogil:
    cdef uint64_t position = ring.tail
    cdef uint64_t mask = ring.capacity_bytes - 1
    cdef uint64_t end = position + frame_span(payload_bytes)
    cdef uint64_t sequence = ring.sequence_next
    iron_assert(ring.claimed == position and payload_bytes <= ring.claimed_bytes,
                "a commit is of a claimed frame and no longer than the claim")
    frame_terminate(ring.data, end & mask, sequence + 1)
    store_release_u64(&(<FrameHeader*>(ring.data + (position & mask))).commit,
                      frame_commit_word(position, payload_bytes))
    ring.tail = end
    ring.sequence_next = sequence + 1
    store_release_u64(ring.tail_shared, end)
    return sequence


cdef inline int spsc_offer(SpscProducer* ring, const uint8_t* payload,
                           uint32_t payload_bytes) noexcept nogil:
    cdef uint8_t* place = NULL
    cdef int status = spsc_claim(ring, payload_bytes, &place)
    if status == STATUS_OK:
        memcpy(place, payload, payload_bytes)
        spsc_commit(ring, payload_bytes)
    return status


# STATUS_OK or STATUS_EMPTY. The payload stays in place until it is released.
cdef inline int spsc_peek(SpscConsumer* ring, const uint8_t** payload, uint32_t* payload_bytes,
                          uint64_t* sequence) noexcept nogil:
    cdef uint64_t mask = ring.capacity_bytes - 1
    cdef const FrameHeader* header = <const FrameHeader*>(ring.data + (ring.head & mask))
    cdef uint64_t word = load_acquire_u64(&header.commit)
    if word >> 32 != frame_stamp(ring.head):
        return STATUS_EMPTY
    if word & FRAME_PADDING:
        ring.head = (ring.head | mask) + 1
        header = <const FrameHeader*>ring.data
        word = load_acquire_u64(&header.commit)
        if word >> 32 != frame_stamp(ring.head):
            return STATUS_EMPTY
    ring.frame_end = ring.head + frame_span(<uint32_t>word)
    iron_assert((ring.head & mask) + frame_span(<uint32_t>word) <= ring.capacity_bytes,
                "a committed frame lies within the ring")
    payload[0] = <const uint8_t*>header + FRAME_HEADER_BYTES
    payload_bytes[0] = <uint32_t>word
    sequence[0] = header.sequence
    return STATUS_OK


# Past the frame that was peeked last.
cdef inline void spsc_advance(SpscConsumer* ring) noexcept nogil:
    ring.head = ring.frame_end


# Gives everything before the next frame to peek back to the producer.
cdef inline void spsc_release(SpscConsumer* ring) noexcept nogil:
    store_release_u64(ring.head_shared, ring.head)


# Owners of the mapping (see spsc.pyx): keep one alive for as long as its pointer is used.
cdef class Producer:
    cdef SpscProducer ring
    cdef Segment segment

cdef class Consumer:
    cdef SpscConsumer ring
    cdef Segment segment
