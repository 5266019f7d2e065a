# Streams over a broadcast ring in shared memory. See shm.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.messaging.publication cimport PublicationEnd
from ironcore.messaging.subscription cimport FrameHandler, SubscriptionEnd
from ironcore.ring.broadcast cimport Reader
from ironcore.ring.broadcast_producer cimport BroadcastProducer
from ironcore.ring.broadcast_reader cimport BroadcastReader
from ironcore.ring.segment_watch cimport SegmentPlace, SegmentWatch, SegmentWatcher

cdef enum:                           # counters, in the order of PUBLICATION_COUNTERS
    SHM_OFFERED = 0
    SHM_BACK_PRESSURE = 1
    SHM_TOO_LARGE = 2

cdef enum:                           # counters, in the order of SUBSCRIPTION_COUNTERS
    SHM_FRAMES = 0
    SHM_GAPS = 1
    SHM_GAP_FRAMES = 2
    SHM_EVICTIONS = 3
    SHM_PRODUCERS_LOST = 4
    SHM_REATTACHED = 5
    SHM_REPEATED = 6
    SHM_SESSIONS = 7

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
    const SegmentWatch* watch
    uint64_t looked_ns               # when it was last looked what has become of the ring
    SegmentPlace place
    bint unproduced                  # nobody held the producer's place at the last look
    bint superseded                  # a ring of another session has taken the place

cdef class ShmPublication(PublicationEnd):
    cdef ShmSender sender
    cdef readonly object producer

cdef class ShmSubscription(SubscriptionEnd):
    cdef ShmReceiver receiver
    cdef readonly object reader
    cdef readonly str session_next   # of the ring that has superseded this one; "": none has
    cdef readonly str path
    cdef str known_session
    cdef SegmentWatcher watcher
    cdef int _use(self, Reader reader) except -1
