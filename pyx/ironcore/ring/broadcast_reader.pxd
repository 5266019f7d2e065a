# A reader's end of a broadcast ring, gating or lossy: it peeks at frames, steps past them and
# releases them. The protocol between it and the producer is described in broadcast.pyx.
#
# A gating reader works on frames in place. Once evicted, what it is looking at may be overwritten
# at any moment, so what it made of a frame counts only if a later broadcast_peek,
# broadcast_intact or broadcast_release did not answer STATUS_EVICTED. A reader that cannot take
# back what it does with a frame copies it first, asks broadcast_intact, and then acts; or has
# PATIENCE_FOREVER.

from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t

from ironcore.base.atomics cimport (
    fence_acquire, load_acquire_u32, load_acquire_u64, store_release_u64)
from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport STATUS_EMPTY, STATUS_EVICTED, STATUS_OK
from ironcore.ring.broadcast_file cimport (
    READERS_MAX, SLOT_GATING, BroadcastHeader, ReaderSlot)
from ironcore.ring.frame cimport (
    FRAME_HEADER_BYTES, FRAME_PADDING, FrameHeader, frame_span, frame_stamp)

cdef struct BroadcastReader:
    const uint8_t* data
    BroadcastHeader* header
    ReaderSlot* slot                 # NULL for a lossy reader
    uint8_t* scratch                 # lossy: the frame's copy
    uint64_t capacity_bytes
    uint64_t position                # of the next frame to peek
    uint64_t limit_cached
    uint64_t frame_end
    uint64_t frame_sequence
    uint64_t sequence_next           # that the next frame should have
    uint64_t lost_frames             # lossy: how many frames were lost, ever
    uint32_t followed                # slots, a bit each: it sees only what they all have released


cdef int broadcast_peek_lossy(BroadcastReader* reader, const uint8_t** payload,
                              uint32_t* payload_bytes, uint64_t* sequence) noexcept nogil
# Makes the reader's slot gating (again) at the oldest frame that nobody will overwrite any more,
# which is where the slot stands unless it was evicted and lapped. Sets position and sequence_next.
cdef void broadcast_join(BroadcastReader* reader) noexcept nogil
# Gives the slot up: the producer waits for this reader no longer, until it joins again.
cdef void broadcast_leave(BroadcastReader* reader) noexcept nogil

# STATUS_OK if everything that this reader read since its last release was intact when it was
# read. The fence keeps those reads in front of the look at the state; the producer writes the
# state first, then a full fence, and only then the data.
cdef inline int broadcast_intact(BroadcastReader* reader) noexcept nogil:
    if reader.slot == NULL:
        return STATUS_OK
    fence_acquire()
    return STATUS_OK if load_acquire_u32(&reader.slot.state) == SLOT_GATING else STATUS_EVICTED


# Where all of these slots' readers have come to: no follower reads from there on. Each position is
# stored with release behind what its reader did with the frames before it. No lock and no order
# between them is needed: a position that moves meanwhile moves on.
cdef inline uint64_t broadcast_limit(const BroadcastHeader* header,
                                     uint32_t followed) noexcept nogil:
    cdef uint64_t limit = UINT64_MAX
    cdef uint32_t i = 0
    while followed >> i:
        if followed >> i & 1:
            limit = min(limit, load_acquire_u64(&header.slots[i].position))
        i += 1
        if i == READERS_MAX:
            break
    return limit


# Whether the reader may not see anything at its position yet. Costs a ring that nobody keeps one
# look at a word of the reader's own.
cdef inline bint broadcast_waits(BroadcastReader* reader) noexcept nogil:
    if reader.followed == 0 or reader.position < reader.limit_cached:
        return False
    reader.limit_cached = broadcast_limit(reader.header, reader.followed)
    return reader.position >= reader.limit_cached


# STATUS_OK, STATUS_EMPTY, STATUS_EVICTED (gating), STATUS_OVERRUN (lossy: lost_frames went up; the
# next peek goes on with the oldest frame still held), STATUS_CORRUPT (lossy: not a ring any more).
cdef inline int broadcast_peek(BroadcastReader* reader, const uint8_t** payload,
                               uint32_t* payload_bytes, uint64_t* sequence) noexcept nogil:
    cdef uint64_t mask = reader.capacity_bytes - 1
    cdef uint64_t word, found
    cdef const FrameHeader* header
    if reader.slot == NULL:
        return broadcast_peek_lossy(reader, payload, payload_bytes, sequence)
    while True:
        if broadcast_waits(reader):
            return STATUS_EMPTY if broadcast_intact(reader) == STATUS_OK else STATUS_EVICTED
        header = <const FrameHeader*>(reader.data + (reader.position & mask))
        word = load_acquire_u64(&header.commit)
        found = header.sequence
        if broadcast_intact(reader) != STATUS_OK:
            return STATUS_EVICTED
        if word >> 32 != frame_stamp(reader.position):
            return STATUS_EMPTY
        if not word & FRAME_PADDING:
            break
        reader.position = (reader.position | mask) + 1
    reader.frame_end = reader.position + frame_span(<uint32_t>word)
    iron_assert((reader.position & mask) + frame_span(<uint32_t>word) <= reader.capacity_bytes,
                "a committed frame lies within the ring")
    payload[0] = <const uint8_t*>header + FRAME_HEADER_BYTES
    payload_bytes[0] = <uint32_t>word
    reader.frame_sequence = found
    sequence[0] = found
    return STATUS_OK


# Past the frame that was peeked last.
cdef inline void broadcast_advance(BroadcastReader* reader) noexcept nogil:
    reader.position = reader.frame_end
    reader.sequence_next = reader.frame_sequence + 1


# Whether the reader has seen the last frame of a stream that has ended.
cdef inline bint broadcast_ended(BroadcastReader* reader) noexcept nogil:
    cdef uint64_t end = load_acquire_u64(&reader.header.oldest.end_sequence)
    return end != 0 and reader.sequence_next >= end


# How many numbers a stream that has ended leaves out behind its last frame, when that is what a
# reader whose peek said STATUS_EMPTY has seen last. The end is looked at first: no frame is
# committed behind it, while one may have been between the peek and it.
cdef inline uint64_t broadcast_missing_at_end(BroadcastReader* reader) noexcept nogil:
    cdef uint64_t end = load_acquire_u64(&reader.header.oldest.end_sequence)
    cdef const FrameHeader* header
    if end <= reader.sequence_next:
        return 0
    header = <const FrameHeader*>(reader.data + (reader.position & (reader.capacity_bytes - 1)))
    if load_acquire_u64(&header.commit) >> 32 == frame_stamp(reader.position):
        return 0                     # a frame that is there, or that this reader may not see yet
    return end - reader.sequence_next


# Gives everything before the next frame to peek back to the producer, and shows it to followers.
# STATUS_EVICTED: it was not the reader's to keep any more; nothing is released.
cdef inline int broadcast_release(BroadcastReader* reader) noexcept nogil:
    if broadcast_intact(reader) != STATUS_OK:
        return STATUS_EVICTED
    if reader.slot != NULL:
        store_release_u64(&reader.slot.position, reader.position)
    return STATUS_OK
