# The connection of a TCP subscription. See connection.pyx.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.messaging.subscription cimport FrameHandler
from ironcore.messaging.tcp.receiver cimport TcpReceiver

# Begin to connect, with the login to be sent.
cdef void receiver_connect(TcpReceiver* r, uint64_t now_ns) noexcept nogil
# Close. What was peeked at has been read: closing with it would tell the peer otherwise.
cdef void receiver_hang_up(TcpReceiver* r) noexcept nogil
# Leave the connection for the reason that this counter stands for, and come back later.
cdef void receiver_drop(TcpReceiver* r, int reason, uint64_t now_ns) noexcept nogil
# The frames up to `end` will never come.
cdef void receiver_lose(TcpReceiver* r, const FrameHandler* handler, uint64_t end) noexcept nogil
# What the server says beside the stream, also why it is about to reject a login.
cdef void receiver_note(TcpReceiver* r, const uint8_t* text, size_t bytes) noexcept nogil
cdef void receiver_accepted(TcpReceiver* r, const FrameHandler* handler, const uint8_t* payload,
                            size_t bytes, uint64_t now_ns) noexcept nogil
cdef void receiver_rejected(TcpReceiver* r, const FrameHandler* handler,
                            uint64_t now_ns) noexcept nogil
