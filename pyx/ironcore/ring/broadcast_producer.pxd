# The producer's end of a broadcast ring: it claims room for a frame, writes it there and commits
# it. The protocol between it and the readers is described in broadcast.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport store_release_u64
from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport STATUS_FULL, STATUS_OK, STATUS_TOO_LARGE
from ironcore.ring.broadcast_file cimport BroadcastHeader
from ironcore.ring.frame cimport (
    FRAME_CAPACITY_SHARE, FRAME_HEADER_BYTES, FrameHeader, frame_commit_word, frame_pad, frame_span,
    frame_terminate)

cdef enum:
    # The oldest position moves on by a block at a time, so that the look at the slots costs next to
    # nothing a frame. Lossy readers lose that much of the history.
    BLOCKS_MIN = 16
    # A larger ring has more blocks: what a step needs would leave the caches between two of them.
    BLOCK_BYTES_MAX = 65536

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
    uint64_t blocks_count            # a power of two
    uint64_t block_bytes
    uint64_t block_next              # where the first block begins that is not noted yet
    # Where the first frame of each block begins, noted when the tail came there: of the blocks that
    # begin between the tail and a capacity before it. The memory is the Producer's.
    uint64_t* first_frames


# Makes `needed_bytes` from the tail on free to write, evicting whose patience is over: STATUS_OK or
# STATUS_FULL (counted).
cdef int broadcast_make_room(BroadcastProducer* ring, uint64_t needed_bytes,
                             uint64_t now_ns) noexcept nogil
# A frame begins at `start`, the tail, and none between it and the last one: notes that for the
# blocks that begin there or on the way there.
cdef void broadcast_note(BroadcastProducer* ring, uint64_t start) noexcept nogil
# Notes where the frames of the ring begin that a new producer has found, from the oldest to the
# tail. The position behind the last one that is whole: the tail, unless the ring is damaged.
cdef uint64_t broadcast_note_held(BroadcastProducer* ring) noexcept nogil

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
        broadcast_note(ring, ring.tail)
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
    if end >= ring.block_next:
        broadcast_note(ring, end)
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


# Tells the readers that no frame follows the last one.
cdef inline void broadcast_end(BroadcastProducer* ring) noexcept nogil:
    store_release_u64(&ring.header.oldest.end_sequence, ring.sequence_next)
