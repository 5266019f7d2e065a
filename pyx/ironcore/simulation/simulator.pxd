# The simulation of a whole venue from one seed. See simulator.pyx.

from libc.stdint cimport uint64_t

from ironcore.simulation.judgement cimport Judgement
from ironcore.simulation.network cimport GATEWAYS_MAX

cdef class Simulation(Judgement):
    cdef bint power_lost             # at least once in the crash in hand
    cdef uint64_t replies_beside[GATEWAYS_MAX]  # of the others' members when a gateway was killed
