# What a subscription believes of the numbers in packets. See belief.pyx.

from libc.stdint cimport uint64_t

from ironcore.messaging.multicast.receiver cimport MulticastReceiver
from ironcore.wire.moldudp64 cimport MoldHeader

# Whether a packet with frames from `first` on and before `end` may be looked at any further.
cdef bint belief_in(MulticastReceiver* r, uint64_t first, uint64_t end,
                    uint64_t now_ns) noexcept nogil
# Takes such a packet as evidence for `known_end`, or against it.
cdef void belief_weigh(MulticastReceiver* r, uint64_t first, uint64_t end,
                       uint64_t now_ns) noexcept nogil
# The stream was never beyond `end`.
cdef void belief_put_back(MulticastReceiver* r, uint64_t end, uint64_t now_ns) noexcept nogil
# An end of session is confirmed by a second one, unless the stream goes on in between.
cdef void belief_note_end(MulticastReceiver* r, const MoldHeader* header,
                          uint64_t end) noexcept nogil
