# What `ironpit bench ring` measures; see ring.pyx.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.ring.broadcast_producer cimport BroadcastProducer
from ironcore.ring.broadcast_reader cimport BroadcastReader
from ironcore.ring.spsc cimport SpscConsumer, SpscProducer
from ironcore.bench.course cimport BothWays

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

cdef class Conversation(BothWays):
    cdef End near
    cdef End far
    cdef uint64_t* lines
    cdef list rings                  # the owners of what the ends point to
    cdef int _join(self, End* sender, End* receiver, str path, capacity_bytes) except -1
