/* Zero-copy buffers and who owns them, and templated sends. A handle that is not the program's at
 * the moment (released, sent, or another stack's) is refused. */
#include "double.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct zc_iovec {
    void *base;
    uint64_t bytes : 48, flags : 16;
    void *handle;
    uint64_t unused;
};
struct zc_message {
    struct zc_iovec *iov;
    struct msghdr header;
};
struct zc_mmessage {
    struct zc_message message;
    int rc, fd;
};
typedef int zc_callback(void *arguments, int flags);
struct zc_receive {
    struct zc_message message;
    zc_callback *callback;
    void *user;
    int flags;
};
_Static_assert(sizeof(struct zc_iovec) == 32, "onload_zc_iovec");
_Static_assert(sizeof(struct zc_message) == 64, "onload_zc_msg");
_Static_assert(sizeof(struct zc_mmessage) == 72, "onload_zc_mmsg");
_Static_assert(sizeof(struct zc_receive) == 88, "onload_zc_recv_args");
_Static_assert(offsetof(struct zc_receive, flags) == 80, "onload_zc_recv_args");

enum { BUFFER_BYTES = 1500, BUFFERS_MAX = 4096 };
enum { DONTWAIT_FLAG = MSG_DONTWAIT, OS_INLINE = 0x40000000, KEEP = 2, TERMINATE = 1 };

/* The pool: a handle is the place of its buffer. */
static struct buffer {
    bool owned_by_program;
    int stack_id;
    uint8_t bytes[BUFFER_BYTES];
} buffers[BUFFERS_MAX];
static pthread_mutex_t buffers_lock = PTHREAD_MUTEX_INITIALIZER;

static struct buffer *take_buffer(int stack_id) {
    struct buffer *found = NULL;
    pthread_mutex_lock(&buffers_lock);
    for (int i = 0; i < BUFFERS_MAX && !found; i++)
        if (!buffers[i].owned_by_program) found = &buffers[i];
    if (found) *found = (struct buffer){.owned_by_program = true, .stack_id = stack_id};
    pthread_mutex_unlock(&buffers_lock);
    return found;
}

static struct buffer *buffer_of(void *handle, int stack_id) {
    struct buffer *b = handle;
    if (b < buffers || b >= buffers + BUFFERS_MAX) return NULL;
    if (((uintptr_t)b - (uintptr_t)buffers) % sizeof *b) return NULL;
    return b->owned_by_program && b->stack_id == stack_id ? b : NULL;
}

/* Why the descriptor has no zero-copy: 0 if it has. */
static int refusal(int fd) {
    int type;
    socklen_t bytes = sizeof type;
    if (accelerated(fd)) return 0;
    bool is_socket = real()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0;
    return is_socket ? -ESOCKTNOSUPPORT : -ENOTSOCK;
}

EXPORTED int onload_zc_await_stack_sync(int fd) {
    FAULT_NEGATIVE("onload_zc_await_stack_sync");
    return refusal(fd);
}

EXPORTED int onload_zc_alloc_buffers(int fd, struct zc_iovec *iov, int count, int flags) {
    FAULT_NEGATIVE("onload_zc_alloc_buffers");
    int reason = refusal(fd);
    (void)flags;
    if (reason) return reason;
    int stack_id = endpoint_of(fd)->stack->id;
    for (int i = 0; i < count; i++) {
        struct buffer *b = take_buffer(stack_id);
        if (!b) {
            while (i--) buffer_of(iov[i].handle, stack_id)->owned_by_program = false;
            return -ENOMEM;
        }
        iov[i] = (struct zc_iovec){.base = b->bytes, .bytes = BUFFER_BYTES, .handle = b};
    }
    return 0;
}

EXPORTED int onload_zc_release_buffers(int fd, void **handles, int count) {
    FAULT_NEGATIVE("onload_zc_release_buffers");
    int reason = refusal(fd);
    if (reason) return reason;
    int stack_id = endpoint_of(fd)->stack->id;
    for (int i = 0; i < count; i++)
        if (!buffer_of(handles[i], stack_id)) return -EINVAL;
    for (int i = 0; i < count; i++) ((struct buffer *)handles[i])->owned_by_program = false;
    return 0;
}

/* One segment for each callback, until there is none, or the callback has enough. */
EXPORTED int onload_zc_recv(int fd, struct zc_receive *arguments) {
    FAULT_NEGATIVE("onload_zc_recv");
    int reason = refusal(fd);
    int flags = arguments->flags & DONTWAIT_FLAG;
    bool delivered = false;
    if (reason) return reason;
    for (;;) {
        struct buffer *b = take_buffer(endpoint_of(fd)->stack->id);
        if (!b) return -ENOMEM;
        ssize_t bytes = recv(fd, b->bytes, BUFFER_BYTES, flags);
        if (bytes <= 0) b->owned_by_program = false;
        if (bytes < 0) return delivered && errno == EAGAIN ? 0 : -errno;
        struct zc_iovec iov = {.base = b->bytes, .bytes = (uint64_t)bytes, .handle = b};
        arguments->message.iov = &iov;
        arguments->message.header.msg_iov = NULL;
        arguments->message.header.msg_iovlen = bytes ? 1 : 0;
        int answer = arguments->callback(arguments, 0);
        delivered = true;
        if (!(answer & KEEP)) b->owned_by_program = false;
        if (answer & TERMINATE || bytes == 0) return 0;
        flags |= DONTWAIT_FLAG;
    }
}

static int send_message(struct zc_mmessage *m, int flags) {
    size_t count = m->message.header.msg_iovlen;
    int reason = refusal(m->fd), sent = 0;
    if (reason) return reason;
    int stack_id = endpoint_of(m->fd)->stack->id;
    for (size_t i = 0; i < count; i++)
        if (!buffer_of(m->message.iov[i].handle, stack_id)) return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        struct zc_iovec *iov = &m->message.iov[i];
        ssize_t n = send(m->fd, iov->base, iov->bytes, flags | MSG_NOSIGNAL);
        if (n < 0) return sent ? sent : -errno;
        sent += (int)n;
        buffer_of(iov->handle, stack_id)->owned_by_program = false;
    }
    return sent;
}

EXPORTED int onload_zc_send(struct zc_mmessage *messages, int count, int flags) {
    FAULT_NEGATIVE("onload_zc_send");
    int done = 0;
    while (done < count) {
        messages[done].rc = send_message(&messages[done], flags);
        if (messages[done++].rc < 0) break;
    }
    return done;
}

struct template {
    int fd;
    size_t bytes;
    uint8_t data[BUFFER_BYTES];
};
struct template_update {
    void *base;
    size_t bytes;
    off_t offset;
    unsigned flags;
};
_Static_assert(sizeof(struct template_update) == 32, "template update");
enum { SEND_NOW = 1 };

EXPORTED int onload_msg_template_alloc(int fd, const struct iovec *iov, int count, void **handle,
                                       unsigned flags) {
    FAULT_NEGATIVE("onload_msg_template_alloc");
    struct endpoint *e = accelerated(fd);
    struct template *t;
    (void)flags;
    if (!e || e->kind != KIND_TCP || !e->connected) return -ESOCKTNOSUPPORT;
    if (!environment_number("EF_PIO", 1)) return -ENODEV;
    if (!(t = calloc(1, sizeof *t))) return -ENOMEM;
    t->fd = fd;
    for (int i = 0; i < count; i++) {
        if (t->bytes + iov[i].iov_len > BUFFER_BYTES) {
            free(t);
            return -E2BIG;
        }
        memcpy(t->data + t->bytes, iov[i].iov_base, iov[i].iov_len);
        t->bytes += iov[i].iov_len;
    }
    *handle = t;
    return 0;
}

EXPORTED int onload_msg_template_update(int fd, void *handle, const struct template_update *updates,
                                        int count, unsigned flags) {
    FAULT_NEGATIVE("onload_msg_template_update");
    struct template *t = handle;
    if (t->fd != fd) return -EINVAL;
    for (int i = 0; i < count; i++) {
        const struct template_update *u = &updates[i];
        if (u->offset < 0 || (size_t)u->offset + u->bytes > t->bytes) return -EINVAL;
        memcpy(t->data + u->offset, u->base, u->bytes);
    }
    if (!(flags & SEND_NOW)) return 0;
    ssize_t sent = send(fd, t->data, t->bytes, MSG_NOSIGNAL);
    if (sent < 0) return -errno;
    free(t);
    return 0;
}

EXPORTED int onload_msg_template_abort(int fd, void *handle) {
    FAULT_NEGATIVE("onload_msg_template_abort");
    struct template *t = handle;
    if (t->fd != fd) return -EINVAL;
    free(t);
    return 0;
}
