/* The table of descriptors: which socket, pipe or epoll set of ours stands behind each. */
#include "double.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct endpoint *_Atomic table[DESCRIPTORS_MAX];
static struct endpoint *free_endpoints;
static uint32_t generations;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

struct endpoint *endpoint_of(int fd) {
    if (fd < 0 || fd >= DESCRIPTORS_MAX) return NULL;
    return atomic_load_explicit(&table[fd], memory_order_acquire);
}

struct endpoint *accelerated(int fd) {
    struct endpoint *e = endpoint_of(fd);
    return e && !e->passthrough && (e->kind == KIND_TCP || e->kind == KIND_UDP) ? e : NULL;
}

void endpoint_lock(atomic_flag *lock) {
    while (atomic_flag_test_and_set_explicit(lock, memory_order_acquire)) {
    }
}

void endpoint_unlock(atomic_flag *lock) {
    atomic_flag_clear_explicit(lock, memory_order_release);
}

struct endpoint *endpoint_add(int fd, enum kind kind, struct stack *stack, bool nonblocking) {
    if (fd < 0 || fd >= DESCRIPTORS_MAX) return NULL;
    endpoint_drop(fd); /* closed behind our back, by close_range for one */
    pthread_mutex_lock(&table_lock);
    struct endpoint *e = free_endpoints;
    if (e) {
        free_endpoints = e->next_free;
    } else {
        e = calloc(1, sizeof *e);
    }
    if (e) {
        memset(e, 0, sizeof *e);
        e->kind = kind;
        e->references = 1;
        e->owner = getpid();
        e->descriptor = fd;
        e->generation = ++generations;
        e->tcp_sequence = generations * 2654435761u;
        e->stack = stack;
        e->nonblocking = nonblocking;
        if (stack) e->id = atomic_fetch_add(&stack->endpoints, 1);
        atomic_store_explicit(&table[fd], e, memory_order_release);
    }
    pthread_mutex_unlock(&table_lock);
    return e;
}

void endpoint_share(int fd, int duplicate) {
    if (duplicate < 0 || duplicate >= DESCRIPTORS_MAX || duplicate == fd) return;
    endpoint_drop(duplicate);
    pthread_mutex_lock(&table_lock);
    struct endpoint *e = endpoint_of(fd);
    if (e) {
        e->references++;
        atomic_store_explicit(&table[duplicate], e, memory_order_release);
    }
    pthread_mutex_unlock(&table_lock);
}

static void recycle(struct endpoint *e) {
    pthread_mutex_lock(&table_lock);
    e->generation = 0;
    e->next_free = free_endpoints;
    free_endpoints = e;
    pthread_mutex_unlock(&table_lock);
}

static bool lingers_not(int fd) {
    struct linger linger = {0, 0};
    socklen_t bytes = sizeof linger;
    return real()->getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &bytes) == 0 && linger.l_onoff
           && linger.l_linger == 0;
}

/* Before the kernel's close, so that no other thread finds the number in the table anew. A child
 * between fork or vfork and exec closes its copies alone. */
void endpoint_drop(int fd) {
    struct endpoint *e = endpoint_of(fd);
    if (!e || e->owner != getpid()) return;
    pthread_mutex_lock(&table_lock);
    atomic_store_explicit(&table[fd], NULL, memory_order_release);
    bool last = --e->references == 0;
    pthread_mutex_unlock(&table_lock);
    if (!last) return;
    epolls_forget(e);
    if (e->path) path_end(e, lingers_not(fd));
    if (e->rendezvous) rendezvous_close(e);
    if (e->kind == KIND_EPOLL) epolls_close(e);
    recycle(e);
}

/* What cannot be accelerated is the kernel's from now on; what an epoll set of ours holds already
 * stays known, as a passthrough. */
void endpoint_hand_over(int fd, struct endpoint *e) {
    if (epolls_contain(e)) {
        e->passthrough = true;
        return;
    }
    endpoint_drop(fd);
}
