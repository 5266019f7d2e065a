# How the readers of a TCP publication come. See logins.pyx.

from libc.stdint cimport uint64_t

from ironcore.messaging.tcp.reader cimport Newcomer, TcpServer

# Take in newcomers, and what readers say: the work done.
cdef int readers_listen(TcpServer* s, uint64_t now_ns) noexcept nogil
# Close its connection for the reason that this counter stands for.
cdef void newcomer_close(TcpServer* s, Newcomer* c, int reason) noexcept nogil
# A connected, non-blocking socket from another thread. False: no room, it stays the caller's.
cdef bint readers_adopt(TcpServer* s, int fd, uint64_t name) noexcept nogil
