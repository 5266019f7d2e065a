# What `ironpit bench transport` measures; see transport.pyx.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.messaging.publication cimport Publication
from ironcore.messaging.subscription cimport FrameHandler, Subscription
from ironcore.bench.course cimport BothWays

cdef enum:
    MESSAGE_BYTES = 64

# One side of a conversation: what it sends through and what it receives from.
cdef struct TransportEnd:
    Publication out
    Subscription incoming
    FrameHandler handler
    bint timed                       # the transport looks at the time in every turn
    uint64_t now_ns
    uint64_t asked                   # trips begun
    uint64_t received
    uint64_t lost
    uint64_t window                  # how far to be ahead of the other end at most; 0: no limit
    uint64_t value
    uint8_t message[MESSAGE_BYTES]

cdef class TransportConversation(BothWays):
    cdef TransportEnd near
    cdef TransportEnd far
    cdef list ends                   # the owners of what the ends point to
