# What the readers of a TCP publication are sent. See sending.pyx.

from libc.stdint cimport uint64_t

from ironcore.messaging.tcp.reader cimport TcpReader, TcpServer

# Apply the policy to every reader that stands below a position.
cdef void readers_move_on(TcpServer* s, uint64_t limit) noexcept nogil
# Close the connection of a reader whose name has logged in again; it is told, if it takes that now.
cdef void reader_displace(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil
# What is due between two packets, when nothing waits there already: False for nothing.
cdef bint reader_fill_out(TcpServer* s, TcpReader* r) noexcept nogil
# One send to each reader to whom it is due: the work done.
cdef int readers_serve(TcpServer* s, uint64_t now_ns) noexcept nogil
