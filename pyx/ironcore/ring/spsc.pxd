# Single-producer single-consumer ring of variable-length frames in a segment file.
#
# Producer: claim -> write the payload -> commit; or offer. Consumer: peek -> advance (its own
# position only) -> release (lets the producer reuse the space). All positions are byte counts that
# never wrap; index = position & (capacity - 1).

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct SpscProducer:
    uint8_t* data
    uint64_t capacity_bytes
    uint64_t* tail_shared            # published position of the next frame
    uint64_t* head_shared            # the consumer's released position
    uint64_t* full_count             # counter of refusals, in the segment
    uint64_t tail
    uint64_t head_cached
    uint64_t claimed                 # position of the claimed frame's header
    uint64_t sequence_next
    uint32_t claimed_bytes

cdef struct SpscConsumer:
    const uint8_t* data
    uint64_t capacity_bytes
    uint64_t* tail_shared
    uint64_t* head_shared
    uint64_t head                    # position of the next frame to peek
    uint64_t tail_cached
    uint64_t frame_end               # where advance() goes

# STATUS_OK with *payload set, STATUS_FULL (counted), or STATUS_TOO_LARGE (over capacity / 8).
cdef int spsc_claim(SpscProducer* ring, uint32_t payload_bytes, uint8_t** payload) noexcept nogil
# Publishes the claimed frame, or its first payload_bytes.
cdef uint64_t spsc_commit(SpscProducer* ring, uint32_t payload_bytes) noexcept nogil
cdef int spsc_offer(SpscProducer* ring, const uint8_t* payload, uint32_t payload_bytes) noexcept nogil
# STATUS_OK or STATUS_EMPTY.
cdef int spsc_peek(SpscConsumer* ring, const uint8_t** payload, uint32_t* payload_bytes,
                   uint64_t* sequence) noexcept nogil
cdef void spsc_advance(SpscConsumer* ring) noexcept nogil
cdef void spsc_release(SpscConsumer* ring) noexcept nogil

# Owners of the mapping (see spsc.pyx): keep one alive for as long as its pointer is used.
cdef class Producer:
    cdef SpscProducer ring
    cdef object segment

cdef class Consumer:
    cdef SpscConsumer ring
    cdef object segment
