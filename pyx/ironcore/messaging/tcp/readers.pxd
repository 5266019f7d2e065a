# The readers of a TCP publication, turn by turn. See readers.pyx.

from libc.stdint cimport uint64_t

from ironcore.messaging.tcp.reader cimport TcpServer

# Accept, hear, serve and judge them: the work done.
cdef int readers_turn(TcpServer* s, uint64_t now_ns) noexcept nogil
cdef void readers_close_all(TcpServer* s) noexcept nogil
