# How a subscription gets what it misses, or gives it up. See recovery.pyx.

from libc.stdint cimport uint64_t

from ironcore.messaging.multicast.receiver cimport MulticastReceiver
from ironcore.messaging.subscription cimport FrameHandler

# Whether the re-request server alone brings the stream.
cdef bint recovery_alone(const MulticastReceiver* r) noexcept nogil
# An answer with `count` frames, before `end`, has come.
cdef void recovery_answered(MulticastReceiver* r, uint64_t end, uint64_t count) noexcept nogil
# Nothing more is here: ask for what is missing, or give it up. Whether it was given up.
cdef bint recovery_mind_gap(MulticastReceiver* r, const FrameHandler* handler,
                            uint64_t now_ns) noexcept nogil
# Step over the first gap, if there is one, as after give_up_ns: whether there was.
cdef bint multicast_give_up(MulticastReceiver* r, const FrameHandler* handler,
                            uint64_t now_ns) noexcept nogil
