# Single-producer many-consumer ring of variable-length frames in a segment file.
#
# Gating readers hold a named slot in the segment; the producer does not overwrite what they have
# not released, up to their patience, then evicts them (never, if patience is PATIENCE_FOREVER).
# Lossy readers hold nothing; they copy, and detect and count what they lost.
#
# A ring may have keepers: gating readers that make the stream safe, as the journal does. What all
# of them have released is kept, and all other readers, lossy ones as well, see only that. A reader
# may follow one more slot ("after").
#
# A gating reader works on frames in place. Once evicted, what it is looking at may be overwritten
# at any moment, so what it made of a frame counts only if a later broadcast_peek,
# broadcast_intact or broadcast_release did not answer STATUS_EVICTED. A reader that cannot take
# back what it does with a frame copies it first, asks broadcast_intact, and then acts; or has
# PATIENCE_FOREVER.
#
# The protocol between producer and readers is described in broadcast.pyx.

from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport (
    fence_acquire, load_acquire_u32, load_acquire_u64, store_release_u64)
from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_OK, STATUS_TOO_LARGE)
from ironcore.ring.broadcast_file cimport (
    AFTER_NOBODY, PATIENCE_FOREVER, READERS_MAX, SLOT_EVICTED, SLOT_GATING, SLOT_JOINING, SLOT_LEFT,
    BroadcastHeader, ReaderSlot)
from ironcore.ring.frame cimport (
    FRAME_CAPACITY_SHARE, FRAME_HEADER_BYTES, FRAME_PADDING, FrameHeader, frame_commit_word,
    frame_pad, frame_span, frame_stamp, frame_terminate)
from ironcore.ring.mapped_file cimport Segment

cdef struct BroadcastProducer:
    uint8_t* data
    BroadcastHeader* header
    uint64_t capacity_bytes
    uint64_t tail
    uint64_t gate_cached             # no reader looks at anything below this position
    uint64_t claimed                 # position of the claimed frame; not the tail: no claim
    uint64_t sequence_next
    uint64_t full_since_ns           # when the ring was first found full; 0: it is not
    uint32_t claimed_bytes

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


# Makes `needed_bytes` from the tail on free to write, evicting whose patience is over: STATUS_OK or
# STATUS_FULL (counted).
cdef int broadcast_make_room(BroadcastProducer* ring, uint64_t needed_bytes,
                             uint64_t now_ns) noexcept nogil
cdef int broadcast_peek_lossy(BroadcastReader* reader, const uint8_t** payload,
                              uint32_t* payload_bytes, uint64_t* sequence) noexcept nogil
# Makes the reader's slot gating (again) at the oldest frame that nobody will overwrite any more,
# which is where the slot stands unless it was evicted and lapped. Sets position and sequence_next.
cdef void broadcast_join(BroadcastReader* reader) noexcept nogil
# Gives the slot up: the producer waits for this reader no longer, until it joins again.
cdef void broadcast_leave(BroadcastReader* reader) noexcept nogil

# Whether a claim of this length succeeds without a look at the readers, and so at the time.
cdef inline bint broadcast_has_room(const BroadcastProducer* ring,
                                    uint32_t payload_bytes) noexcept nogil:
    cdef uint64_t span = frame_span(payload_bytes)
    cdef uint64_t room = ring.capacity_bytes - (ring.tail & (ring.capacity_bytes - 1))
    cdef uint64_t needed = span + FRAME_HEADER_BYTES + (room if span > room else 0)
    return ring.tail + needed - ring.gate_cached <= ring.capacity_bytes


# now_ns is the monotonic time, used only when the ring is full (patience, eviction).
# STATUS_OK with *payload set, STATUS_FULL (counted), or STATUS_TOO_LARGE (over capacity / 8).
# A claim that is not committed is forgotten at the next one.
cdef inline int broadcast_claim(BroadcastProducer* ring, uint32_t payload_bytes, uint8_t** payload,
                                uint64_t now_ns) noexcept nogil:
    cdef uint64_t span = frame_span(payload_bytes)
    cdef uint64_t mask = ring.capacity_bytes - 1
    cdef uint64_t room = ring.capacity_bytes - (ring.tail & mask)
    # The terminator behind the frame needs space as well.
    cdef uint64_t needed = span + FRAME_HEADER_BYTES
    if payload_bytes > ring.capacity_bytes // FRAME_CAPACITY_SHARE:
        return STATUS_TOO_LARGE
    if span > room:
        needed += room
    if ring.tail + needed - ring.gate_cached > ring.capacity_bytes:
        if broadcast_make_room(ring, needed, now_ns) != STATUS_OK:
            return STATUS_FULL
    # Whatever was refused before: this one has room, and patience begins anew.
    ring.full_since_ns = 0
    if span > room:
        frame_pad(ring.data, ring.tail, mask, ring.sequence_next)
        ring.tail += room
    ring.claimed = ring.tail
    ring.claimed_bytes = payload_bytes
    payload[0] = ring.data + (ring.tail & mask) + FRAME_HEADER_BYTES
    return STATUS_OK


# Publishes the claimed frame, or its first payload_bytes, and returns its sequence number, which
# stands in the header already: the terminator was written with it.
cdef inline uint64_t broadcast_commit(BroadcastProducer* ring,
                                      uint32_t payload_bytes) noexcept nogil:
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
    store_release_u64(&ring.header.tail.tail, end)
    return sequence


# The next `count` numbers have no frames: the next frame's is behind them. The terminator says so
# to who joins at it.
cdef inline void broadcast_skip(BroadcastProducer* ring, uint64_t count) noexcept nogil:
    ring.sequence_next += count
    frame_terminate(ring.data, ring.tail & (ring.capacity_bytes - 1), ring.sequence_next)


cdef inline int broadcast_offer(BroadcastProducer* ring, const uint8_t* payload,
                                uint32_t payload_bytes, uint64_t now_ns) noexcept nogil:
    cdef uint8_t* place = NULL
    cdef int status = broadcast_claim(ring, payload_bytes, &place, now_ns)
    if status == STATUS_OK:
        memcpy(place, payload, payload_bytes)
        broadcast_commit(ring, payload_bytes)
    return status


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


# Tells the readers that no frame follows the last one.
cdef inline void broadcast_end(BroadcastProducer* ring) noexcept nogil:
    store_release_u64(&ring.header.oldest.end_sequence, ring.sequence_next)


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


cdef class Producer:
    cdef BroadcastProducer ring
    cdef Segment segment

cdef class Reader:
    cdef BroadcastReader ring
    cdef Segment segment
    cdef readonly str name           # "" for a lossy reader
    cdef readonly uint64_t first_sequence  # of the first frame that it sees after it attached
    cdef int _attach(self, Segment segment) except -1
    cdef int _check_gating(self) except -1

cdef class LossyReader(Reader):
    pass
