# Streams over a broadcast ring in shared memory. See shm.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.messaging.publication cimport PublicationEnd
from ironcore.messaging.subscription cimport FrameHandler, SubscriptionEnd
from ironcore.ring.broadcast cimport BroadcastProducer, BroadcastReader

cdef enum:                           # counters, in the order of PUBLICATION_COUNTERS
    SHM_OFFERED = 0
    SHM_BACK_PRESSURE = 1
    SHM_TOO_LARGE = 2

cdef enum:                           # counters, in the order of SUBSCRIPTION_COUNTERS
    SHM_FRAMES = 0
    SHM_GAPS = 1
    SHM_GAP_FRAMES = 2
    SHM_EVICTIONS = 3

cdef enum Eviction:
    EVICTION_NONE = 0
    EVICTION_TO_TELL = 1             # frames were taken in the poll that found it
    EVICTION_TOLD = 2                # the next poll joins again

cdef struct ShmSender:
    BroadcastProducer* ring
    uint64_t** counters
    bint ended

cdef struct ShmReceiver:
    BroadcastReader* ring
    uint64_t** counters
    uint8_t* copy                    # gating with patience: the frame, so that it cannot change
    Eviction eviction
    uint64_t gap_first               # of the gap that was found last
    uint64_t gap_frames

cdef class ShmPublication(PublicationEnd):
    cdef ShmSender sender
    cdef readonly object producer

cdef class ShmSubscription(SubscriptionEnd):
    cdef ShmReceiver receiver
    cdef readonly object reader
