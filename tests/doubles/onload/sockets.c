/* Sockets are made, bound, connected, accepted, duplicated and closed: the moments at which the
 * double takes one or hands it over to the kernel. */
#include "double.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

/* An argument of fcntl or ioctl is an int or a pointer: it fits an unsigned long either way. */
#define LAST_ARGUMENT(value, after)                                                               \
    do {                                                                                          \
        va_list list;                                                                             \
        va_start(list, after);                                                                    \
        value = va_arg(list, unsigned long);                                                      \
        va_end(list);                                                                             \
    } while (0)

EXPORTED int socket(int domain, int type, int protocol) {
    FAULT_ERRNO("socket");
    int fd = real()->socket(domain, type, protocol);
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool stream = kind == SOCK_STREAM, datagram = kind == SOCK_DGRAM;
    if (fd < 0 || (domain != AF_INET && domain != AF_INET6) || (!stream && !datagram)) return fd;
    if (rules_off() || !environment_number(stream ? "EF_TCP" : "EF_UDP", 1)) return fd;
    struct stack *stack = stack_for_new_socket();
    if (stack)
        endpoint_add(fd, stream ? KIND_TCP : KIND_UDP, stack, (type & SOCK_NONBLOCK) != 0);
    return fd;
}

EXPORTED int bind(int fd, const struct sockaddr *address, socklen_t bytes) {
    FAULT_ERRNO("bind");
    int result = real()->bind(fd, address, bytes);
    struct endpoint *e = accelerated(fd);
    if (result == 0 && e && !rules_accelerate_local(address, e->stack)) endpoint_hand_over(fd, e);
    return result;
}

EXPORTED int listen(int fd, int backlog) {
    FAULT_ERRNO("listen");
    int result = real()->listen(fd, backlog);
    struct endpoint *e = accelerated(fd);
    if (result == 0 && e && !e->listening) {
        e->listening = true;
        rendezvous_listen(fd, e);
    }
    return result;
}

EXPORTED int accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags) {
    FAULT_ERRNO("accept");
    int child = real()->accept4(fd, address, bytes, flags);
    struct endpoint *e = accelerated(fd);
    struct sockaddr_in local;
    socklen_t local_bytes = sizeof local;
    int control;
    if (child < 0 || !e) return child;
    struct path *path = rendezvous_accept(e, child, &control);
    if (!path
        && (real()->getsockname(child, (void *)&local, &local_bytes) != 0
            || !rules_accelerate_local((void *)&local, e->stack)))
        return child;
    struct endpoint *made =
        endpoint_add(child, KIND_TCP, e->stack, (flags & SOCK_NONBLOCK) != 0);
    if (!made) abort(); /* more descriptors than the table has */
    made->connected = made->accepted = true;
    if (path) path_begin(made, path, control, false);
    return child;
}

EXPORTED int accept(int fd, struct sockaddr *address, socklen_t *bytes) {
    return accept4(fd, address, bytes, 0);
}

static int connect_stream(int fd, struct endpoint *e, const struct sockaddr *to,
                          socklen_t bytes) {
    struct sockaddr_in from;
    int control = -1;
    if (!rules_accelerate_route(to, e->stack, &from)) {
        endpoint_hand_over(fd, e);
        return real()->connect(fd, to, bytes);
    }
    struct path *path = rendezvous_connect(fd, to, &from, &control);
    int result = real()->connect(fd, to, bytes);
    bool connecting = result < 0 && errno == EINPROGRESS;
    int reason = errno;
    if (result == 0 || connecting) {
        e->connected = true;
        if (path) path_begin(e, path, control, connecting);
        if (path) epolls_take(e);
    } else if (path) {
        path_discard(path);
        real()->close(control);
    }
    errno = reason;
    return result;
}

EXPORTED int connect(int fd, const struct sockaddr *to, socklen_t bytes) {
    FAULT_ERRNO("connect");
    struct endpoint *e = accelerated(fd);
    struct sockaddr_in from;
    if (!e) return real()->connect(fd, to, bytes);
    if (e->kind == KIND_TCP && !e->connected) return connect_stream(fd, e, to, bytes);
    if (e->kind == KIND_UDP && to->sa_family == AF_INET
        && !rules_accelerate_route(to, e->stack, &from))
        endpoint_hand_over(fd, e);
    return real()->connect(fd, to, bytes);
}

EXPORTED int shutdown(int fd, int how) {
    struct endpoint *e = accelerated(fd);
    int result = real()->shutdown(fd, how);
    if (result == 0 && e && path_usable(e)) path_shutdown(e, how);
    return result;
}

EXPORTED int getsockname(int fd, struct sockaddr *address, socklen_t *bytes) {
    return real()->getsockname(fd, address, bytes);
}

EXPORTED int getpeername(int fd, struct sockaddr *address, socklen_t *bytes) {
    return real()->getpeername(fd, address, bytes);
}

EXPORTED int getsockopt(int fd, int level, int name, void *value, socklen_t *bytes) {
    return real()->getsockopt(fd, level, name, value, bytes);
}

EXPORTED int setsockopt(int fd, int level, int name, const void *value, socklen_t bytes) {
    FAULT_ERRNO("setsockopt");
    int result = real()->setsockopt(fd, level, name, value, bytes);
    struct endpoint *e = accelerated(fd);
    /* A socket that is tied to an interface which is not accelerated cannot be, either. */
    if (result == 0 && e && level == SOL_SOCKET && name == SO_BINDTODEVICE && !e->path)
        endpoint_hand_over(fd, e);
    if (result == 0 && e && level == SOL_SOCKET && bytes >= sizeof(struct timeval)
        && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
        const struct timeval *limit = value;
        e->wait_ns[name == SO_SNDTIMEO] =
            (uint64_t)limit->tv_sec * 1000000000u + (uint64_t)limit->tv_usec * 1000u;
    }
    return result;
}

EXPORTED int close(int fd) {
    FAULT_ERRNO("close");
    endpoint_drop(fd);
    return real()->close(fd);
}

EXPORTED int dup(int fd) {
    int made = real()->dup(fd);
    if (made >= 0) endpoint_share(fd, made);
    return made;
}

EXPORTED int dup2(int fd, int wanted) {
    if (fd != wanted) endpoint_drop(wanted);
    int made = real()->dup2(fd, wanted);
    if (made >= 0) endpoint_share(fd, made);
    return made;
}

EXPORTED int dup3(int fd, int wanted, int flags) {
    if (fd != wanted) endpoint_drop(wanted);
    int made = real()->dup3(fd, wanted, flags);
    if (made >= 0) endpoint_share(fd, made);
    return made;
}

static int control_descriptor(int fd, int command, unsigned long argument) {
    int result = real()->fcntl64(fd, command, argument);
    struct endpoint *e = endpoint_of(fd);
    if (result < 0 || !e) return result;
    if (command == F_SETFL) e->nonblocking = (argument & O_NONBLOCK) != 0;
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) endpoint_share(fd, result);
    return result;
}

EXPORTED int fcntl(int fd, int command, ...) {
    unsigned long argument;
    LAST_ARGUMENT(argument, command);
    return control_descriptor(fd, command, argument);
}

EXPORTED int fcntl64(int fd, int command, ...) {
    unsigned long argument;
    LAST_ARGUMENT(argument, command);
    return control_descriptor(fd, command, argument);
}

EXPORTED int ioctl(int fd, unsigned long request, ...) {
    unsigned long argument;
    LAST_ARGUMENT(argument, request);
    struct endpoint *e = accelerated(fd);
    if (request == FIONREAD && e && path_usable(e)) {
        *(int *)argument = path_queued(e, false);
        return 0;
    }
    int result = real()->ioctl(fd, request, argument);
    if (result == 0 && request == FIONBIO && endpoint_of(fd))
        endpoint_of(fd)->nonblocking = *(const int *)argument != 0;
    return result;
}

EXPORTED int pipe2(int fds[2], int flags) {
    int result = real()->pipe2(fds, flags);
    /* 2 alone accelerates every pipe; the default leaves them to the kernel. */
    if (result == 0 && !rules_off() && environment_number("EF_PIPE", 0) == 2) {
        struct stack *stack = stack_for_new_socket();
        for (int i = 0; stack && i < 2; i++)
            endpoint_add(fds[i], KIND_PIPE, stack, (flags & O_NONBLOCK) != 0);
    }
    return result;
}

EXPORTED int pipe(int fds[2]) { return pipe2(fds, 0); }

EXPORTED int onload_socket_nonaccel(int domain, int type, int protocol) {
    FAULT_ERRNO("onload_socket_nonaccel");
    return real()->socket(domain, type, protocol);
}

EXPORTED int onload_socket_unicast_nonaccel(int domain, int type, int protocol) {
    FAULT_ERRNO("onload_socket_unicast_nonaccel");
    return socket(domain, type, protocol);
}

EXPORTED int onload_socket_rx_nonaccel(int domain, int type, int protocol) {
    FAULT_ERRNO("onload_socket_rx_nonaccel");
    return socket(domain, type, protocol);
}
