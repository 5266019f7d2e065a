/* How the two ends of a connection find the memory that they share.
 *
 * A listener of ours also listens on an abstract unix socket that is named after its address. Who
 * connects to that address goes there first, leaves its own address and the memory, and connects
 * then as ever: whatever the listener accepts has left its memory already. The unix connection
 * remains as the doorbell, and tells each end when the other one dies. */
#include "double.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING_MAX = 256, INTERNAL_DESCRIPTOR_MIN = 800, BACKLOG = 512 };

struct caller {
    uint32_t address;
    uint16_t port; /* both in network order */
};

struct waiting {
    struct caller caller;
    int control; /* -1: free */
    struct path *path; /* NULL: it has left nothing yet */
};

struct rendezvous {
    int unix_listener;
    struct waiting waiting[WAITING_MAX];
};

int internal_descriptor(int fd) {
    struct rlimit limit;
    int least = INTERNAL_DESCRIPTOR_MIN;
    if (fd < 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return fd;
    if ((rlim_t)least >= limit.rlim_cur) least = (int)(limit.rlim_cur / 2);
    int moved = real()->fcntl64(fd, F_DUPFD_CLOEXEC, least);
    if (moved < 0) return fd;
    real()->close(fd);
    return moved;
}

static socklen_t name_of(uint32_t address, uint16_t port, struct sockaddr_un *name) {
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    int length = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "onload-double/%08x:%u",
                          ntohl(address), ntohs(port));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static bool user_level_epoll(void) {
    int64_t mode = environment_number("EF_UL_EPOLL", 1);
    return (mode == 1 || mode == 3) && environment_number("MOCK_ONLOAD_PATH", 1);
}

void rendezvous_listen(int fd, struct endpoint *listener) {
    struct sockaddr_in local;
    struct sockaddr_un name;
    socklen_t bytes = sizeof local;
    /* Both ends on one host is loopback, whatever the address. */
    if (!listener->stack->options.number[OPTION_TCP_SERVER_LOOPBACK]) return;
    if (!user_level_epoll() || real()->getsockname(fd, (void *)&local, &bytes) != 0
        || local.sin_family != AF_INET)
        return;
    int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int unix_listener = internal_descriptor(real()->socket(AF_UNIX, type, 0));
    bytes = name_of(local.sin_addr.s_addr, local.sin_port, &name);
    struct rendezvous *r = calloc(1, sizeof *r);
    if (!r || unix_listener < 0 || real()->bind(unix_listener, (void *)&name, bytes) != 0
        || real()->listen(unix_listener, BACKLOG) != 0) {
        if (unix_listener >= 0) real()->close(unix_listener);
        free(r);
        return;
    }
    r->unix_listener = unix_listener;
    for (int i = 0; i < WAITING_MAX; i++) r->waiting[i].control = -1;
    listener->rendezvous = r;
}

static void turn_away(struct waiting *w) {
    if (w->control < 0) return;
    if (w->path) path_discard(w->path);
    real()->close(w->control);
    *w = (struct waiting){.control = -1};
}

void rendezvous_close(struct endpoint *listener) {
    struct rendezvous *r = listener->rendezvous;
    listener->rendezvous = NULL;
    for (int i = 0; i < WAITING_MAX; i++) turn_away(&r->waiting[i]);
    real()->close(r->unix_listener);
    free(r);
}

static int meet(uint32_t address, uint16_t port) {
    struct sockaddr_un name;
    int fd = real()->socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t bytes = name_of(address, port, &name);
    if (fd >= 0 && real()->connect(fd, (void *)&name, bytes) == 0) return internal_descriptor(fd);
    if (fd >= 0) real()->close(fd);
    return -1;
}

static bool leave(int control, struct caller *caller, int memory_file) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } rights;
    struct iovec iov = {caller, sizeof *caller};
    struct msghdr message = {0};
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    memset(&rights, 0, sizeof rights);
    message.msg_control = rights.bytes;
    message.msg_controllen = sizeof rights.bytes;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &memory_file, sizeof(int));
    return real()->sendmsg(control, &message, MSG_NOSIGNAL) == (ssize_t)sizeof *caller;
}

/* The port that the connection will have: the kernel's choice, made now. */
static bool choose_port(int fd, const struct sockaddr_in *from, struct caller *caller) {
    struct sockaddr_in local;
    socklen_t bytes = sizeof local;
    if (real()->getsockname(fd, (void *)&local, &bytes) != 0) return false;
    if (local.sin_port == 0) {
        struct sockaddr_in any = {.sin_family = AF_INET};
        bytes = sizeof local;
        if (real()->bind(fd, (void *)&any, sizeof any) != 0
            || real()->getsockname(fd, (void *)&local, &bytes) != 0)
            return false;
    }
    bool chosen = local.sin_addr.s_addr != htonl(INADDR_ANY);
    caller->address = chosen ? local.sin_addr.s_addr : from->sin_addr.s_addr;
    caller->port = local.sin_port;
    return true;
}

struct path *rendezvous_connect(int fd, const struct sockaddr *to, const struct sockaddr_in *from,
                                int *control) {
    const struct sockaddr_in *in = (const void *)to;
    struct caller caller = {0, 0};
    int memory_file;
    if (!user_level_epoll()) return NULL;
    *control = meet(in->sin_addr.s_addr, in->sin_port);
    if (*control < 0) *control = meet(htonl(INADDR_ANY), in->sin_port);
    if (*control < 0) return NULL;
    struct path *path = choose_port(fd, from, &caller) ? path_make(&memory_file) : NULL;
    bool left = path && leave(*control, &caller, memory_file);
    if (path) real()->close(memory_file);
    if (left) return path;
    if (path) path_discard(path);
    real()->close(*control);
    return NULL;
}

/* What a caller leaves, once it has left it. */
static void receive_caller(struct waiting *w) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } rights;
    struct iovec iov = {&w->caller, sizeof w->caller};
    struct msghdr message = {0};
    int memory_file;
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = rights.bytes;
    message.msg_controllen = sizeof rights.bytes;
    if (real()->recvmsg(w->control, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof w->caller)
        return;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (!head || head->cmsg_type != SCM_RIGHTS) return;
    memcpy(&memory_file, CMSG_DATA(head), sizeof memory_file);
    w->path = path_attach(memory_file);
    real()->close(memory_file);
}

static bool hung_up(int control) {
    struct pollfd poll_fd = {control, POLLRDHUP, 0};
    return real()->poll(&poll_fd, 1, 0) > 0;
}

/* Take in everybody who has left something; who has gone again since is forgotten. */
static void gather(struct rendezvous *r) {
    bool more = true;
    for (int i = 0; i < WAITING_MAX; i++) {
        struct waiting *w = &r->waiting[i];
        if (w->control >= 0 && hung_up(w->control)) turn_away(w);
        if (w->control < 0 && more) {
            int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
            int control = real()->accept4(r->unix_listener, NULL, NULL, flags);
            more = control >= 0;
            if (more) w->control = internal_descriptor(control);
        }
        if (w->control >= 0 && !w->path) receive_caller(w);
    }
}

struct path *rendezvous_accept(struct endpoint *listener, int fd, int *control) {
    struct rendezvous *r = listener->rendezvous;
    struct sockaddr_in from;
    socklen_t bytes = sizeof from;
    if (!r || real()->getpeername(fd, (void *)&from, &bytes) != 0) return NULL;
    gather(r);
    for (int i = 0; i < WAITING_MAX; i++) {
        struct waiting *w = &r->waiting[i];
        if (!w->path || w->caller.port != from.sin_port
            || w->caller.address != from.sin_addr.s_addr)
            continue;
        struct path *path = w->path;
        *control = w->control;
        *w = (struct waiting){.control = -1};
        return path;
    }
    return NULL;
}
