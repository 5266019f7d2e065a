# The simulation of a whole venue from one seed. See simulator.pyx.

from libc.stdint cimport uint64_t

from ironcore.simulation.loop cimport Loop
from ironcore.simulation.network cimport GATEWAYS_MAX
from ironcore.order_entry.session_state cimport Sessions

cdef class Simulation(Loop):
    cdef readonly uint64_t seed
    cdef bint before_reply
    cdef uint64_t crashes
    cdef bint power_lost             # at least once in the crash in hand
    cdef bint lossy                  # what was not durable was lost, as the policy allows
    cdef object trace
    cdef uint64_t replies_beside[GATEWAYS_MAX]  # of the others' members when a gateway was killed

    cdef int _compare_replies(self, const Sessions* sessions, int gateway) except -1
