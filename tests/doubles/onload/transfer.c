/* Bytes in and out: through the path of the connection if it has one, otherwise by the kernel. */
#include "double.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* MOCK_ONLOAD_GETPID=1: one system call more for everything that a path delivers, so that who
 * counts system calls can be seen to count. */
static bool chatty;

__attribute__((constructor(103))) static void transfer_open(void) {
    chatty = environment_number("MOCK_ONLOAD_GETPID", 0) != 0;
}

static struct endpoint *with_path(int fd) {
    struct endpoint *e = accelerated(fd);
    return e && path_usable(e) ? e : NULL;
}

static ssize_t received(struct endpoint *e, const struct iovec *iov, int count, int flags) {
    ssize_t bytes = path_receive(e, iov, count, flags);
    if (chatty && bytes > 0) syscall(SYS_getpid);
    return bytes;
}

/* MSG_WARM goes as far as the wire on a connection of ours, and no further; elsewhere it is a flag
 * that the kernel does not know, and the bytes are sent. */
static bool warms(int fd, int flags) {
    struct endpoint *e = flags & MSG_WARM ? accelerated(fd) : NULL;
    return e && e->kind == KIND_TCP && e->connected;
}

static size_t bytes_of(const struct iovec *iov, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += iov[i].iov_len;
    return bytes;
}

EXPORTED ssize_t recv(int fd, void *buffer, size_t bytes, int flags) {
    FAULT_ERRNO("recv");
    struct endpoint *e = with_path(fd);
    if (!e) return real()->recv(fd, buffer, bytes, flags);
    struct iovec iov = {buffer, bytes};
    return received(e, &iov, 1, flags);
}

EXPORTED ssize_t recvfrom(int fd, void *buffer, size_t bytes, int flags,
                          struct sockaddr *address, socklen_t *length) {
    FAULT_ERRNO("recvfrom");
    struct endpoint *e = with_path(fd);
    if (!e) return real()->recvfrom(fd, buffer, bytes, flags, address, length);
    if (length) *length = 0; /* as the kernel says of a connected stream */
    struct iovec iov = {buffer, bytes};
    return received(e, &iov, 1, flags);
}

EXPORTED ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    FAULT_ERRNO("recvmsg");
    struct endpoint *e = with_path(fd);
    if (!e) return real()->recvmsg(fd, message, flags);
    message->msg_namelen = 0;
    message->msg_controllen = 0;
    message->msg_flags = 0;
    return received(e, message->msg_iov, (int)message->msg_iovlen, flags);
}

EXPORTED int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                      struct timespec *timeout) {
    if (!with_path(fd)) return real()->recvmmsg(fd, messages, count, flags, timeout);
    unsigned done = 0;
    for (; done < count; done++) {
        int more = done ? flags | MSG_DONTWAIT : flags;
        ssize_t bytes = recvmsg(fd, &messages[done].msg_hdr, more);
        if (bytes < 0) return done ? (int)done : -1;
        messages[done].msg_len = (unsigned)bytes;
    }
    return (int)done;
}

EXPORTED ssize_t read(int fd, void *buffer, size_t bytes) {
    struct endpoint *e = with_path(fd);
    if (!e) return real()->read(fd, buffer, bytes);
    struct iovec iov = {buffer, bytes};
    return received(e, &iov, 1, 0);
}

EXPORTED ssize_t readv(int fd, const struct iovec *iov, int count) {
    struct endpoint *e = with_path(fd);
    return e ? received(e, iov, count, 0) : real()->readv(fd, iov, count);
}

EXPORTED ssize_t send(int fd, const void *buffer, size_t bytes, int flags) {
    FAULT_ERRNO("send");
    if (warms(fd, flags)) return (ssize_t)bytes;
    struct endpoint *e = with_path(fd);
    if (!e) return real()->send(fd, buffer, bytes, flags);
    struct iovec iov = {(void *)buffer, bytes};
    return path_send(e, &iov, 1, flags);
}

EXPORTED ssize_t sendto(int fd, const void *buffer, size_t bytes, int flags,
                        const struct sockaddr *to, socklen_t length) {
    FAULT_ERRNO("sendto");
    struct endpoint *e = with_path(fd);
    if (e || warms(fd, flags)) return send(fd, buffer, bytes, flags);
    return real()->sendto(fd, buffer, bytes, flags, to, length);
}

EXPORTED ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    FAULT_ERRNO("sendmsg");
    if (warms(fd, flags)) return (ssize_t)bytes_of(message->msg_iov, message->msg_iovlen);
    struct endpoint *e = with_path(fd);
    if (!e) return real()->sendmsg(fd, message, flags);
    return path_send(e, message->msg_iov, (int)message->msg_iovlen, flags);
}

EXPORTED int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    if (!with_path(fd)) return real()->sendmmsg(fd, messages, count, flags);
    unsigned done = 0;
    for (; done < count; done++) {
        ssize_t bytes = sendmsg(fd, &messages[done].msg_hdr, flags);
        if (bytes < 0) return done ? (int)done : -1;
        messages[done].msg_len = (unsigned)bytes;
    }
    return (int)done;
}

EXPORTED ssize_t write(int fd, const void *buffer, size_t bytes) {
    struct endpoint *e = with_path(fd);
    if (!e) return real()->write(fd, buffer, bytes);
    struct iovec iov = {(void *)buffer, bytes};
    return path_send(e, &iov, 1, 0);
}

EXPORTED ssize_t writev(int fd, const struct iovec *iov, int count) {
    struct endpoint *e = with_path(fd);
    return e ? path_send(e, iov, count, 0) : real()->writev(fd, iov, count);
}

/* What a compiler that checks buffers (_FORTIFY_SOURCE) calls instead. */
EXPORTED ssize_t __recv_chk(int fd, void *buffer, size_t bytes, size_t room, int flags) {
    if (bytes > room) abort();
    return recv(fd, buffer, bytes, flags);
}

EXPORTED ssize_t __recvfrom_chk(int fd, void *buffer, size_t bytes, size_t room, int flags,
                                struct sockaddr *address, socklen_t *length) {
    if (bytes > room) abort();
    return recvfrom(fd, buffer, bytes, flags, address, length);
}

EXPORTED ssize_t __read_chk(int fd, void *buffer, size_t bytes, size_t room) {
    if (bytes > room) abort();
    return read(fd, buffer, bytes);
}

EXPORTED int onload_recvmsg_kernel(int fd, struct msghdr *message, int flags) {
    FAULT_NEGATIVE("onload_recvmsg_kernel");
    ssize_t bytes = real()->recvmsg(fd, message, flags);
    return bytes < 0 ? -errno : (int)bytes;
}
