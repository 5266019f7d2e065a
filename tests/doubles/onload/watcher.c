/* The one thread that waits in the kernel, as the driver of a card would: it hears that a peer has
 * died and that something of the kernel's in an epoll set is ready, so that threads that poll in
 * user space need not ask. */
#include "double.h"

#include <stdlib.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, POINTER_BITS = 48, IS_EPOLL = 1 };

static int watch = -1;
static pid_t watch_owner;
static pthread_mutex_t watch_lock = PTHREAD_MUTEX_INITIALIZER;

/* An endpoint, which use of its memory, and what is watched of it. */
static uint64_t tag_of(const struct endpoint *e, bool is_epoll) {
    return (uint64_t)(uintptr_t)e | (uint64_t)(uint16_t)e->generation << POINTER_BITS
           | (is_epoll ? IS_EPOLL : 0);
}

static void *wait_in_kernel(void *argument) {
    struct epoll_event events[EVENTS_MAX];
    (void)argument;
    for (;;) {
        int n = real()->epoll_pwait(watch, events, EVENTS_MAX, -1, NULL);
        for (int i = 0; i < n; i++) {
            uint64_t tag = events[i].data.u64;
            uint64_t pointer = tag & ((UINT64_C(1) << POINTER_BITS) - 1) & ~(uint64_t)IS_EPOLL;
            struct endpoint *e = (struct endpoint *)(uintptr_t)pointer;
            uint16_t generation = (uint16_t)(tag >> POINTER_BITS);
            if (tag & IS_EPOLL)
                epolls_kernel_ready(e, generation);
            else
                path_peer_died(e, generation);
        }
    }
    return NULL;
}

static void start(void) {
    sigset_t all, before;
    pthread_t thread;
    pthread_mutex_lock(&watch_lock);
    if (watch < 0 || watch_owner != getpid()) {
        watch = internal_descriptor(real()->epoll_create1(EPOLL_CLOEXEC));
        watch_owner = getpid();
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        if (watch < 0 || pthread_create(&thread, NULL, wait_in_kernel, NULL) != 0) abort();
        pthread_detach(thread);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_mutex_unlock(&watch_lock);
}

void watch_control(int control, struct endpoint *e) {
    struct epoll_event event = {EPOLLRDHUP | EPOLLONESHOT, {.u64 = tag_of(e, false)}};
    start();
    real()->epoll_ctl(watch, EPOLL_CTL_ADD, control, &event);
}

void watch_epoll(struct endpoint *e) {
    struct epoll_event event = {EPOLLIN | EPOLLONESHOT, {.u64 = tag_of(e, true)}};
    start();
    real()->epoll_ctl(watch, EPOLL_CTL_ADD, e->descriptor, &event);
}

void watch_epoll_again(struct endpoint *e) {
    struct epoll_event event = {EPOLLIN | EPOLLONESHOT, {.u64 = tag_of(e, true)}};
    real()->epoll_ctl(watch, EPOLL_CTL_MOD, e->descriptor, &event);
}
