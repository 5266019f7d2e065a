# What `ironpit bench ring` measures; see bench_ring.pyx.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.ring.broadcast cimport BroadcastProducer, BroadcastReader
from ironcore.ring.spsc cimport SpscConsumer, SpscProducer

cdef enum:
    PAYLOAD_BYTES = 64

cdef enum Carrier:
    CARRIER_LINE = 0                 # one bare cache line each way: the floor
    CARRIER_SPSC = 1
    CARRIER_BROADCAST = 2

# One side of a conversation: where it sends, where it receives.
cdef struct End:
    Carrier carrier
    uint64_t* line_out
    const uint64_t* line_in
    uint64_t line_last               # the value that line_in had when it was last received
    SpscProducer* spsc_out
    SpscConsumer* spsc_in
    BroadcastProducer* broadcast_out
    BroadcastReader* broadcast_in
    uint8_t payload[PAYLOAD_BYTES]

cdef struct Course:
    uint64_t blocks
    uint64_t block_messages
    uint64_t* block_ns
    uint64_t trips
    uint64_t* trip_ns

cdef class Conversation:
    cdef End near
    cdef End far
    cdef uint64_t* lines
    cdef tuple cpus
    cdef list rings                  # the owners of what the ends point to
    cdef int _join(self, End* sender, End* receiver, str path, capacity_bytes) except -1
