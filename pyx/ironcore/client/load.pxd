# An open-loop generator of OUCH order flow over SoupBinTCP sessions that are logged in already.

from libc.stdint cimport uint64_t

from ironcore.base.histogram cimport LatencyHistogram
from ironcore.client.load_session cimport LoadSession, Operation

cdef extern from "<poll.h>":
    cdef struct pollfd:
        int fd
        short events
        short revents

cdef class Load:
    cdef LoadSession* sessions
    cdef int sessions_count
    cdef const Operation* operations
    cdef uint64_t operations_count
    cdef const uint64_t* due_ns      # since the start, one for each operation; NULL: by window
    cdef uint64_t window
    cdef char* symbols               # 8 characters each
    cdef uint64_t next               # operation
    cdef uint64_t start_ns
    cdef uint64_t end_ns             # when the last acknowledgement came
    cdef uint64_t heard_ns           # when anything came last
    cdef bint spin
    cdef pollfd* polled
    cdef LatencyHistogram histogram
    cdef object _operations
    cdef object _due_ns
    cdef object _orders              # numpy arrays behind Replies.orders

    cdef int turn(self) noexcept nogil
    cdef int send_due(self, uint64_t now_ns) noexcept nogil
    cdef void wait(self, uint64_t now_ns) noexcept nogil
    cdef uint64_t unacknowledged(self) noexcept nogil
    cdef bint barrier(self, uint64_t now_ns) noexcept nogil
