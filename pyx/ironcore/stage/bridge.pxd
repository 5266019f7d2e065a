# The bridge: carries a stream from one transport to another. See bridge.pyx.

from libc.stdint cimport uint64_t

from ironcore.base.clock cimport Clock
from ironcore.base.counter_set cimport CounterSet
from ironcore.messaging.publication cimport Publication, PublicationEnd
from ironcore.messaging.subscription cimport FrameHandler, Subscription, SubscriptionEnd
from ironcore.base.files cimport FileDirectory
from ironcore.stage.agent cimport Stage
from ironcore.stream.gap_fill cimport GapFill

cdef enum:                           # counters, in the order of COUNTERS
    BRIDGE_FRAMES = 0
    BRIDGE_BACK_PRESSURE = 1
    BRIDGE_REPEATED = 2
    BRIDGE_GAPS = 3
    BRIDGE_GAP_FRAMES = 4
    BRIDGE_TOO_LARGE = 5
    BRIDGE_EVICTIONS = 6
    BRIDGE_FILLED = 7
    BRIDGE_SESSIONS = 8              # counted by the owner
    BRIDGE_LEFT_OUT = 9

cdef enum GapPolicy:
    GAP_PASS = 0                     # leave the numbers out, where the transport can
    GAP_STOP = 1

cdef struct Bridge:
    const Subscription* subscription
    const Publication* publication   # NULL: not known yet, frames stay with the source
    FrameHandler handler
    Clock clock
    uint64_t** counters
    uint64_t now_ns
    GapFill journal              # of the same stream, for what the source has lost
    uint64_t gap_end                 # numbers below it that are not carried yet were lost
    GapPolicy on_gap
    int failure                      # the status that ends the bridge; STATUS_OK: none
    bint closing                     # the source has ended
    bint ended                       # and the publication has been told

# Work done, or a negative status: what the source or the publication says, or -STATUS_OVERRUN for a
# gap that is not to be, or cannot be, passed on.
cdef int bridge_poll(void* self, int batch_max) noexcept nogil

cdef class BridgeStage(Stage):
    cdef Bridge bridge
    cdef bytes stage_name
    cdef FileDirectory directory
    cdef readonly SubscriptionEnd subscription
    cdef readonly PublicationEnd publication
    cdef readonly CounterSet counters
