"""The host's sockets behind the interface of sockets.pxd: libc calls only.

Only libc symbols are used, never raw system calls or io_uring, so that a preloaded kernel bypass
can interpose every one of them.
"""

from libc.errno cimport EINTR, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t

from ironcore.base.check cimport iron_static_assert

cdef extern from "<sys/uio.h>":
    cdef struct iovec:
        pass

cdef extern from * nogil:
    """
    #include <arpa/inet.h>
    #include <errno.h>
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    #include <string.h>
    #include <sys/epoll.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    #include <unistd.h>

    enum { IRON_READY_MAX = 64 };

    static int iron_accept(int listener, uint32_t *address) {
        int one = 1;
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        memset(&from, 0, sizeof from);
        int fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        *address = ntohl(from.sin_addr.s_addr);
        if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    static long iron_recvfrom(int fd, uint8_t *buffer, size_t bytes, uint32_t *address,
                              uint16_t *port) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        memset(&from, 0, sizeof from);
        long n = recvfrom(fd, buffer, bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
        *address = ntohl(from.sin_addr.s_addr);
        *port = ntohs(from.sin_port);
        return n;
    }
    static long iron_sendto(int fd, const uint8_t *buffer, size_t bytes, uint32_t address,
                            uint16_t port) {
        struct sockaddr_in to;
        memset(&to, 0, sizeof to);
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(address);
        to.sin_port = htons(port);
        return sendto(fd, buffer, bytes, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
    }
    static int iron_watch(int poller, int fd) {
        struct epoll_event event;
        memset(&event, 0, sizeof event);
        event.events = EPOLLIN | EPOLLRDHUP;
        event.data.fd = fd;
        return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
    static int iron_unwatch(int poller, int fd) {
        struct epoll_event event;
        memset(&event, 0, sizeof event);
        return epoll_ctl(poller, EPOLL_CTL_DEL, fd, &event);
    }
    static int iron_ready(int poller, int *ready, int ready_max) {
        struct epoll_event events[IRON_READY_MAX];
        if (ready_max > IRON_READY_MAX) ready_max = IRON_READY_MAX;
        int n = epoll_wait(poller, events, ready_max, 0);
        for (int i = 0; i < n; i++) ready[i] = events[i].data.fd;
        return n;
    }
    static long iron_recv(int fd, uint8_t *buffer, size_t bytes) {
        return recv(fd, buffer, bytes, MSG_DONTWAIT);
    }
    static long iron_peek(int fd, uint8_t *buffer, size_t bytes) {
        return recv(fd, buffer, bytes, MSG_DONTWAIT | MSG_PEEK);
    }
    static long iron_discard(int fd, size_t bytes) {
        return recv(fd, NULL, bytes, MSG_DONTWAIT | MSG_TRUNC);
    }
    static long iron_send(int fd, const uint8_t *buffer, size_t bytes) {
        return send(fd, buffer, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    static long iron_send_parts(int fd, const void *parts, int count) {
        struct msghdr message;
        memset(&message, 0, sizeof message);
        message.msg_iov = (struct iovec *)parts;
        message.msg_iovlen = (size_t)count;
        return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    static int iron_connect(uint32_t address, uint16_t port) {
        struct sockaddr_in to;
        int one = 1;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) return fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        memset(&to, 0, sizeof to);
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(address);
        to.sin_port = htons(port);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) return fd;
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    static int iron_pair(int *other) {
        int fds[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) return -1;
        *other = fds[1];
        return fds[0];
    }
    static int iron_poller(void) { return epoll_create1(EPOLL_CLOEXEC); }
    static void iron_close(int fd) { close(fd); }
    """
    int iron_accept(int listener, uint32_t* address)
    long iron_recv(int fd, uint8_t* buffer, size_t bytes)
    long iron_peek(int fd, uint8_t* buffer, size_t bytes)
    long iron_discard(int fd, size_t bytes)
    long iron_send(int fd, const uint8_t* buffer, size_t bytes)
    long iron_recvfrom(int fd, uint8_t* buffer, size_t bytes, uint32_t* address, uint16_t* port)
    long iron_sendto(int fd, const uint8_t* buffer, size_t bytes, uint32_t address, uint16_t port)
    int iron_watch(int poller, int fd)
    int iron_unwatch(int poller, int fd)
    int iron_ready(int poller, int* ready, int ready_max)
    long iron_send_parts(int fd, const void* parts, int count)
    int iron_connect(uint32_t address, uint16_t port)
    int iron_pair(int* other)
    int iron_poller()
    void iron_close(int fd)


cdef inline long _result(long n) noexcept nogil:
    return n if n >= 0 else -<long>errno


cdef int _accept(void* context, int listener, uint32_t* address) noexcept nogil:
    return <int>_result(iron_accept(listener, address))


cdef long _recv(void* context, int fd, uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef long n = iron_recv(fd, buffer, bytes)
    while n < 0 and errno == EINTR:
        n = iron_recv(fd, buffer, bytes)
    return _result(n)


cdef long _peek(void* context, int fd, uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef long n = iron_peek(fd, buffer, bytes)
    while n < 0 and errno == EINTR:
        n = iron_peek(fd, buffer, bytes)
    return _result(n)


cdef long _discard(void* context, int fd, size_t bytes) noexcept nogil:
    cdef long n = iron_discard(fd, bytes)
    while n < 0 and errno == EINTR:
        n = iron_discard(fd, bytes)
    return _result(n)


cdef long _send(void* context, int fd, const uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef long n = iron_send(fd, buffer, bytes)
    while n < 0 and errno == EINTR:
        n = iron_send(fd, buffer, bytes)
    return _result(n)


cdef long _send_parts(void* context, int fd, const SocketPart* parts, int count) noexcept nogil:
    cdef long n
    iron_static_assert(sizeof(SocketPart) == sizeof(iovec))
    n = iron_send_parts(fd, parts, count)
    while n < 0 and errno == EINTR:
        n = iron_send_parts(fd, parts, count)
    return _result(n)


cdef int _connect(void* context, uint32_t address, uint16_t port) noexcept nogil:
    return <int>_result(iron_connect(address, port))


cdef int _pair(void* context, int* other) noexcept nogil:
    return <int>_result(iron_pair(other))


cdef int _send_datagram(void* context, int fd, const uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef long n = _result(iron_send(fd, buffer, bytes))
    return 0 if n >= 0 else <int>n


cdef long _recv_datagram(void* context, int fd, uint8_t* buffer, size_t bytes,
                         uint32_t* address, uint16_t* port) noexcept nogil:
    return _result(iron_recvfrom(fd, buffer, bytes, address, port))


cdef int _send_datagram_to(void* context, int fd, const uint8_t* buffer, size_t bytes,
                           uint32_t address, uint16_t port) noexcept nogil:
    cdef long n = _result(iron_sendto(fd, buffer, bytes, address, port))
    return 0 if n >= 0 else <int>n


cdef void _close(void* context, int fd) noexcept nogil:
    iron_close(fd)


cdef int _poll_ready(void* context, int poller, int* ready, int ready_max) noexcept nogil:
    cdef int n = iron_ready(poller, ready, ready_max)
    if n < 0 and errno == EINTR:
        return 0
    return <int>_result(n)


cdef int _watch(void* context, int poller, int fd) noexcept nogil:
    return <int>_result(iron_watch(poller, fd))


cdef int _unwatch(void* context, int poller, int fd) noexcept nogil:
    return <int>_result(iron_unwatch(poller, fd))


cdef Sockets host_sockets() noexcept nogil:
    cdef Sockets sockets
    sockets.context = NULL
    sockets.accept = _accept
    sockets.recv = _recv
    sockets.peek = _peek
    sockets.discard = _discard
    sockets.send = _send
    sockets.send_parts = _send_parts
    sockets.connect = _connect
    sockets.pair = _pair
    sockets.send_datagram = _send_datagram
    sockets.recv_datagram = _recv_datagram
    sockets.send_datagram_to = _send_datagram_to
    sockets.close = _close
    sockets.poll_ready = _poll_ready
    sockets.watch = _watch
    sockets.unwatch = _unwatch
    return sockets


cdef int host_poller_open() noexcept nogil:
    return <int>_result(iron_poller())


cdef class Network:
    """The network of the host."""

    def __cinit__(self):
        self.sockets = host_sockets()

    cdef int open_poller(self) noexcept:
        return host_poller_open()
