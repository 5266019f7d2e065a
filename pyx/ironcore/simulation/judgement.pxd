# What must hold in a simulated venue. See judgement.pyx.

from libc.stdint cimport uint64_t

from ironcore.order_entry.session_state cimport Sessions
from ironcore.simulation.loop cimport Loop

cdef class Judgement(Loop):
    cdef readonly uint64_t seed
    cdef bint before_reply
    cdef uint64_t crashes
    cdef bint lossy                  # what was not durable was lost, as the policy allows
    cdef object trace

    # Holds what this gateway's members were told, or what all were, against these replies.
    cdef int _compare_replies(self, const Sessions* sessions, int gateway) except -1
