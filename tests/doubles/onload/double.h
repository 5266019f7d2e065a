/* What the parts of the double share: the C library's own functions, the table of descriptors, the
 * stacks. One subject a file; README.md says which facts each models. */
#ifndef ONLOAD_DOUBLE_H
#define ONLOAD_DOUBLE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#define EXPORTED __attribute__((visibility("default")))

enum { DESCRIPTORS_MAX = 65536, STACK_NAME_BYTES = 48, MSG_WARM = 0x400 };

/* real.c: the functions that ours stand in front of. */
#define REAL_FUNCTIONS(X)                                                                         \
    X(int, socket, (int, int, int))                                                               \
    X(int, bind, (int, const struct sockaddr *, socklen_t))                                       \
    X(int, listen, (int, int))                                                                    \
    X(int, accept4, (int, struct sockaddr *, socklen_t *, int))                                   \
    X(int, connect, (int, const struct sockaddr *, socklen_t))                                    \
    X(int, shutdown, (int, int))                                                                  \
    X(int, getsockname, (int, struct sockaddr *, socklen_t *))                                    \
    X(int, getpeername, (int, struct sockaddr *, socklen_t *))                                    \
    X(int, getsockopt, (int, int, int, void *, socklen_t *))                                      \
    X(int, setsockopt, (int, int, int, const void *, socklen_t))                                  \
    X(int, close, (int))                                                                          \
    X(int, dup, (int))                                                                            \
    X(int, dup2, (int, int))                                                                      \
    X(int, dup3, (int, int, int))                                                                 \
    X(int, fcntl64, (int, int, ...))                                                              \
    X(int, ioctl, (int, unsigned long, ...))                                                      \
    X(int, pipe2, (int *, int))                                                                   \
    X(ssize_t, recv, (int, void *, size_t, int))                                                  \
    X(ssize_t, recvfrom, (int, void *, size_t, int, struct sockaddr *, socklen_t *))              \
    X(ssize_t, recvmsg, (int, struct msghdr *, int))                                              \
    X(ssize_t, send, (int, const void *, size_t, int))                                            \
    X(ssize_t, sendto, (int, const void *, size_t, int, const struct sockaddr *, socklen_t))      \
    X(ssize_t, sendmsg, (int, const struct msghdr *, int))                                        \
    X(ssize_t, read, (int, void *, size_t))                                                       \
    X(ssize_t, readv, (int, const struct iovec *, int))                                           \
    X(ssize_t, write, (int, const void *, size_t))                                                \
    X(ssize_t, writev, (int, const struct iovec *, int))                                          \
    X(int, recvmmsg, (int, struct mmsghdr *, unsigned, int, struct timespec *))                   \
    X(int, sendmmsg, (int, struct mmsghdr *, unsigned, int))                                      \
    X(int, poll, (struct pollfd *, nfds_t, int))                                                  \
    X(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *))           \
    X(int, select, (int, fd_set *, fd_set *, fd_set *, struct timeval *))                         \
    X(int, pselect,                                                                               \
      (int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *))             \
    X(int, epoll_create1, (int))                                                                  \
    X(int, epoll_ctl, (int, int, int, struct epoll_event *))                                      \
    X(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *))

struct real {
#define AS_MEMBER(type, name, arguments) type(*name) arguments;
    REAL_FUNCTIONS(AS_MEMBER)
#undef AS_MEMBER
};
extern struct real real_functions;
void real_open(void);
static inline const struct real *real(void) {
    if (!real_functions.epoll_pwait) real_open();
    return &real_functions;
}

/* options.c: options of stacks; the environment's values are what a stack begins with. */
enum option_id {
    OPTION_TCP_CLIENT_LOOPBACK,
    OPTION_TCP_SERVER_LOOPBACK,
    OPTION_RX_TIMESTAMPING,
    OPTION_TX_TIMESTAMPING,
    OPTIONS_NUMBERS = 48,
};
struct options {
    int64_t number[OPTIONS_NUMBERS];
};
struct options options_of_thread(void);
int64_t environment_number(const char *name, int64_t otherwise);

/* stacks.c */
struct stack {
    int id;
    char name[STACK_NAME_BYTES];
    struct options options;
    atomic_int endpoints;
};
struct stack *stack_for_new_socket(void); /* NULL: what the thread makes is not accelerated */

/* endpoints.c: what stands behind a descriptor, shared by its duplicates. Its memory is kept for
 * the next one and never returned, so that a reader without a lock finds an endpoint, if perhaps
 * another one. */
enum kind { KIND_TCP = 1, KIND_UDP, KIND_PIPE, KIND_EPOLL };
struct path;
struct rendezvous;
struct epoll_set;
struct endpoint {
    enum kind kind;
    int references;
    pid_t owner;
    int descriptor; /* one that it had */
    int id;
    uint32_t generation;
    struct stack *stack;
    atomic_bool nonblocking;
    bool passthrough, listening, connected, accepted, used;
    uint64_t wait_ns[2]; /* SO_RCVTIMEO, SO_SNDTIMEO; 0: for ever */
    int delegated_bytes;
    uint32_t tcp_sequence;
    atomic_flag receiving, sending; /* locks; who holds both may take the path away */
    struct path *_Atomic path;
    struct rendezvous *rendezvous;
    struct epoll_set *set;
    int (*filter)(void *message, void *argument, int flags);
    void *filter_argument;
    struct endpoint *next_free;
};
struct endpoint *endpoint_of(int fd); /* NULL: the kernel's alone */
struct endpoint *endpoint_add(int fd, enum kind kind, struct stack *stack, bool nonblocking);
void endpoint_share(int fd, int duplicate);
void endpoint_drop(int fd);
void endpoint_hand_over(int fd, struct endpoint *endpoint);
void endpoint_lock(atomic_flag *lock);
void endpoint_unlock(atomic_flag *lock);
struct endpoint *accelerated(int fd); /* a socket that the double carries itself, or NULL */

/* rules.c: what is accelerated. */
bool rules_off(void); /* no driver, a version that does not fit, or EF_DONT_ACCELERATE */
void rules_switch_off(void);
bool rules_accelerate_local(const struct sockaddr *address, const struct stack *stack);
bool rules_accelerate_route(const struct sockaddr *to, const struct stack *stack,
                            struct sockaddr_in *from);

/* faults.c: MOCK_ONLOAD_FAULTS. true: the call shall answer *code. */
bool fault(const char *function, int *code);
#define FAULT_NEGATIVE(name)                                                                      \
    do {                                                                                          \
        int code;                                                                                 \
        if (fault(name, &code)) return code;                                                      \
    } while (0)
#define FAULT_ERRNO(name)                                                                         \
    do {                                                                                          \
        int code;                                                                                 \
        if (fault(name, &code)) {                                                                 \
            if (code >= 0) return code;                                                           \
            errno = -code;                                                                        \
            return -1;                                                                            \
        }                                                                                         \
    } while (0)

/* spin.c */
enum spin {
    SPIN_TCP_RECV = 3, SPIN_TCP_SEND = 4, SPIN_SELECT = 8, SPIN_POLL = 9, SPIN_EPOLL_WAIT = 11,
    SPIN_TYPES_MAX = 17,
};
uint64_t spin_ns(enum spin type); /* how long this thread spins before it sleeps */
uint64_t clock_ns(void);

/* path.c: bytes between two processes, in memory that they share. */
struct path *path_make(int *memory_file); /* the connecting end; *memory_file goes to the other */
struct path *path_attach(int memory_file);
void path_begin(struct endpoint *endpoint, struct path *path, int control, bool connecting);
void path_discard(struct path *path); /* one that never began */
void path_end(struct endpoint *endpoint, bool abort_connection);
void path_peer_died(struct endpoint *endpoint, uint16_t generation);
bool path_usable(struct endpoint *endpoint);
ssize_t path_receive(struct endpoint *endpoint, const struct iovec *iov, int count, int flags);
ssize_t path_send(struct endpoint *endpoint, const struct iovec *iov, int count, int flags);
void path_shutdown(struct endpoint *endpoint, int how);
uint32_t path_events(struct endpoint *endpoint, uint64_t *mark); /* POLL* bits that hold now */
int path_sleep_begin(struct endpoint *endpoint, uint32_t events); /* the doorbell's descriptor */
void path_sleep_end(struct endpoint *endpoint);
int path_queued(struct endpoint *endpoint, bool outgoing);
enum { SLEEP_MS_MAX = 20 }; /* of one sleep: a doorbell may have been heard by another sleeper */

/* rendezvous.c: how the two ends of a connection find the memory that they share. */
void rendezvous_listen(int fd, struct endpoint *listener);
struct path *rendezvous_accept(struct endpoint *listener, int fd, int *control);
struct path *rendezvous_connect(int fd, const struct sockaddr *to, const struct sockaddr_in *from,
                                int *control);
void rendezvous_close(struct endpoint *listener);
int internal_descriptor(int fd); /* moved out of the way of the program's own */

/* watcher.c: the one thread that waits in the kernel, so that the others need not ask. */
void watch_control(int control, struct endpoint *endpoint);
void watch_epoll(struct endpoint *endpoint);
void watch_epoll_again(struct endpoint *endpoint);

/* epolls.c */
void epolls_open(struct endpoint *endpoint);
void epolls_close(struct endpoint *endpoint);
void epolls_forget(struct endpoint *member);
bool epolls_contain(const struct endpoint *member);
void epolls_take(struct endpoint *member); /* it has a path: the kernel sees it no more */
void epolls_kernel_ready(struct endpoint *endpoint, uint16_t generation);

#endif
