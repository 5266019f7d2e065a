# The XDP program that hands a feed to an AF_XDP socket. See program.pyx.

from libc.stdint cimport uint16_t, uint32_t

cdef class XdpProgram:
    cdef int map_fd
    cdef int program_fd
    cdef int link_fd
    cdef readonly str attached       # "native", "generic"; "" before `attach`
    cdef readonly str refused        # why not native; "" when it is
    cdef void _close(self) noexcept
