# Single-producer many-consumer ring of variable-length frames in a segment file.
#
# Gating readers hold a named slot in the segment; the producer does not overwrite what they have not
# released, up to their patience, then evicts them (never, if patience is PATIENCE_FOREVER). Lossy
# readers hold nothing; they copy, and detect and count what they lost. A reader may follow another
# slot ("after"): it then sees only what that reader has released, e.g. what the journal made durable.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    READERS_MAX = 16
    PATIENCE_FOREVER = 0

cdef struct ReaderSlot               # layout in broadcast.pyx
cdef struct BroadcastHeader

cdef struct BroadcastProducer:
    uint8_t* data
    BroadcastHeader* header
    uint64_t capacity_bytes
    uint64_t tail
    uint64_t gate_cached             # no gating reader is below this position
    uint64_t claimed
    uint64_t sequence_next
    uint64_t full_since_ns           # when the ring was first found full; 0: it is not
    uint32_t claimed_bytes

cdef struct BroadcastReader:
    const uint8_t* data
    BroadcastHeader* header
    ReaderSlot* slot                 # NULL for a lossy reader
    ReaderSlot* after                # NULL, or the slot that this reader follows
    uint8_t* scratch                 # lossy: the frame's copy
    uint64_t capacity_bytes
    uint64_t position                # of the next frame to peek
    uint64_t limit_cached
    uint64_t frame_end
    uint64_t sequence_next           # that the next frame should have
    uint64_t lost_frames             # lossy: how many frames were lost, ever

# now_ns is the monotonic time, used only when the ring is full (patience, eviction).
cdef int broadcast_claim(BroadcastProducer* ring, uint32_t payload_bytes, uint8_t** payload,
                         uint64_t now_ns) noexcept nogil
cdef uint64_t broadcast_commit(BroadcastProducer* ring, uint32_t payload_bytes) noexcept nogil
cdef int broadcast_offer(BroadcastProducer* ring, const uint8_t* payload, uint32_t payload_bytes,
                         uint64_t now_ns) noexcept nogil
# STATUS_OK, STATUS_EMPTY, STATUS_EVICTED (gating), STATUS_OVERRUN (lossy: lost_frames went up; the
# next peek goes on with the oldest frame still held).
cdef int broadcast_peek(BroadcastReader* reader, const uint8_t** payload, uint32_t* payload_bytes,
                        uint64_t* sequence) noexcept nogil
cdef void broadcast_advance(BroadcastReader* reader) noexcept nogil
cdef void broadcast_release(BroadcastReader* reader) noexcept nogil

cdef class Producer:
    cdef BroadcastProducer ring
    cdef object segment

cdef class Reader:
    cdef BroadcastReader ring
    cdef object segment
