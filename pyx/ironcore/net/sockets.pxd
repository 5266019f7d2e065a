# The one narrow interface through which a stage touches the network: the host's libc sockets
# (so that a preloaded kernel bypass can interpose them) or a simulator's connections.
# All sockets are non-blocking. Negative results are -errno; -EAGAIN means "not now".

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef struct SocketPart:              # laid out as struct iovec
    const uint8_t* data
    size_t bytes

cdef struct Sockets:
    void* context
    # Accept one connection from a listening socket, and from whom (IPv4, host byte order): a
    # descriptor, or -errno.
    int (*accept)(void* context, int listener, uint32_t* address) noexcept nogil
    # Bytes read (0: the peer closed), or -errno.
    long (*recv)(void* context, int fd, uint8_t* buffer, size_t bytes) noexcept nogil
    # The same, and the bytes are there still for the next one to read.
    long (*peek)(void* context, int fd, uint8_t* buffer, size_t bytes) noexcept nogil
    # Drop bytes that a peek has shown (TCP): their number, or -errno.
    long (*discard)(void* context, int fd, size_t bytes) noexcept nogil
    # Bytes taken, perhaps fewer than given, or -errno.
    long (*send)(void* context, int fd, const uint8_t* buffer, size_t bytes) noexcept nogil
    # The same of several parts, one after another, in one call.
    long (*send_parts)(void* context, int fd, const SocketPart* parts, int count) noexcept nogil
    # Begin a TCP connection (IPv4, host byte order): a descriptor, or -errno. Until the peer has
    # answered, a send is -EAGAIN; afterwards it is taken, or gives the reason of the refusal.
    int (*connect)(void* context, uint32_t address, uint16_t port) noexcept nogil
    # A pair of connected stream sockets: one, and *other, which blocks; or -errno.
    int (*pair)(void* context, int* other) noexcept nogil
    # One datagram to the socket's connected address: 0 or -errno.
    int (*send_datagram)(void* context, int fd, const uint8_t* buffer, size_t bytes) noexcept nogil
    # One datagram and its sender (IPv4, host byte order): bytes or -errno.
    long (*recv_datagram)(void* context, int fd, uint8_t* buffer, size_t bytes,
                          uint32_t* address, uint16_t* port) noexcept nogil
    int (*send_datagram_to)(void* context, int fd, const uint8_t* buffer, size_t bytes,
                            uint32_t address, uint16_t port) noexcept nogil
    void (*close)(void* context, int fd) noexcept nogil
    # Fill ready[] with watched descriptors that may be read now: their count or -errno.
    int (*poll_ready)(void* context, int poller, int* ready, int ready_max) noexcept nogil
    int (*watch)(void* context, int poller, int fd) noexcept nogil
    int (*unwatch)(void* context, int poller, int fd) noexcept nogil

cdef Sockets host_sockets() noexcept nogil
cdef int host_poller_open() noexcept nogil   # an epoll descriptor, or -errno

# The network as Python hands it to a stage: the host's, from which a simulator's derives.
cdef class Network:
    cdef Sockets sockets
    cdef int open_poller(self) noexcept  # a poller, or -errno
