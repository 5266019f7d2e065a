/* Floors: messages of 64 bytes between two threads, over a framed ring or bare sockets in plain C,
 * by the loops that ironcore's own rings and transports are measured with. Only
 * ironcore.bench.floor uses it. */
#ifndef IRON_FLOOR_H
#define IRON_FLOOR_H

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "iron_atomics.h"
#include "iron_floor_ring.h"
#include "iron_floor_sockets.h"

enum { FLOOR_RING = 0, FLOOR_MULTICAST = 1, FLOOR_TCP = 2 };
enum { FLOOR_MESSAGE_BYTES = 64, FLOOR_GOODBYE = 0 };
/* Datagrams have no back-pressure: nobody sends more than this ahead of the receiver. */
#define FLOOR_WINDOW 256

typedef struct {
    floor_producer out;
    floor_consumer in;
    int fd_out, fd_in;
    uint8_t message[FLOOR_MESSAGE_BYTES];
} floor_end;

typedef struct {
    floor_end *end;
    int kind, cpu;
    uint64_t blocks, block_messages, *block_ns, trips, *trip_ns;
    _Atomic uint64_t *received;
    pthread_barrier_t *barrier;
    int failed;
} floor_task;

static inline uint64_t floor_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* `kind` is a constant wherever these are expanded. */
#define FLOOR_INLINE static inline __attribute__((always_inline))

FLOOR_INLINE bool floor_send(const int kind, floor_end *end, uint64_t value) {
    uint8_t *place;
    memcpy(end->message, &value, 8);
    if (kind != FLOOR_RING)
        return floor_socket_send(end->fd_out, end->message, FLOOR_MESSAGE_BYTES);
    while ((place = floor_claim(&end->out, FLOOR_MESSAGE_BYTES)) == NULL) cpu_pause();
    memcpy(place, end->message, FLOOR_MESSAGE_BYTES);
    floor_commit(&end->out, FLOOR_MESSAGE_BYTES);
    return true;
}

FLOOR_INLINE bool floor_receive(const int kind, floor_end *end, uint64_t *value) {
    const uint8_t *place;
    uint32_t bytes;
    uint64_t sequence;
    if (kind == FLOOR_RING) {
        while ((place = floor_peek(&end->in, &bytes, &sequence)) == NULL) cpu_pause();
        memcpy(end->message, place, FLOOR_MESSAGE_BYTES);
        floor_release(&end->in);
    } else if (!floor_socket_receive(end->fd_in, end->message, FLOOR_MESSAGE_BYTES)) {
        return false;
    }
    memcpy(value, end->message, 8);
    return true;
}

FLOOR_INLINE bool floor_ping(const int kind, floor_task *t) {
    uint64_t value = 0, answer;
    bool good = true;
    for (uint64_t i = 0; good && i < t->blocks; i++) {
        uint64_t start = floor_now_ns();
        for (uint64_t j = 0; good && j < t->block_messages; j++)
            good = floor_send(kind, t->end, ++value) && floor_receive(kind, t->end, &answer);
        t->block_ns[i] = floor_now_ns() - start;
    }
    for (uint64_t i = 0; good && i < t->trips; i++) {
        uint64_t start = floor_now_ns();
        good = floor_send(kind, t->end, ++value) && floor_receive(kind, t->end, &answer);
        t->trip_ns[i] = floor_now_ns() - start;
    }
    return floor_send(kind, t->end, FLOOR_GOODBYE) && good;
}

FLOOR_INLINE bool floor_pong(const int kind, floor_task *t) {
    uint64_t value = 1;
    while (value != FLOOR_GOODBYE)
        if (!floor_receive(kind, t->end, &value) || !floor_send(kind, t->end, value)) return false;
    return true;
}

FLOOR_INLINE bool floor_pour(const int kind, floor_task *t) {
    for (uint64_t i = 0; i < t->blocks * t->block_messages; i++) {
        while (kind == FLOOR_MULTICAST &&
               i >= FLOOR_WINDOW + atomic_load_explicit(t->received, memory_order_acquire))
            cpu_pause();
        if (!floor_send(kind, t->end, i + 1)) return false;
    }
    return true;
}

FLOOR_INLINE bool floor_drain(const int kind, floor_task *t) {
    uint64_t value, received = 0;
    for (uint64_t i = 0; i < t->blocks; i++) {
        uint64_t start = floor_now_ns();
        for (uint64_t j = 0; j < t->block_messages; j++) {
            if (!floor_receive(kind, t->end, &value)) return false;
            received++;
            if (kind == FLOOR_MULTICAST)
                atomic_store_explicit(t->received, received, memory_order_release);
        }
        t->block_ns[i] = floor_now_ns() - start;
    }
    return true;
}

#define FLOOR_THREAD(loop)                                                      \
    static void *loop##_thread(void *argument) {                                \
        floor_task *t = argument;                                               \
        cpu_set_t set;                                                          \
        CPU_ZERO(&set);                                                         \
        CPU_SET(t->cpu, &set);                                                  \
        t->failed = sched_setaffinity(0, sizeof set, &set) != 0 ? errno : 0;    \
        pthread_barrier_wait(t->barrier);                                       \
        bool good = t->kind == FLOOR_RING        ? loop(FLOOR_RING, t)          \
                    : t->kind == FLOOR_MULTICAST ? loop(FLOOR_MULTICAST, t)     \
                                                 : loop(FLOOR_TCP, t);          \
        if (!good) t->failed = errno;                                           \
        return NULL;                                                            \
    }

FLOOR_THREAD(floor_ping)
FLOOR_THREAD(floor_pong)
FLOOR_THREAD(floor_pour)
FLOOR_THREAD(floor_drain)

#define FLOOR_GROUP 0xEFC07F00u /* 239.192.127.0 */

static inline bool floor_join(int kind, floor_end *ends, uint64_t capacity, void **areas,
                              size_t *area_bytes) {
    if (kind == FLOOR_RING)
        return floor_ring_join(&ends[0].out, &ends[1].in, capacity, &areas[0], area_bytes) &&
               floor_ring_join(&ends[1].out, &ends[0].in, capacity, &areas[1], area_bytes);
    if (kind == FLOOR_MULTICAST)
        return floor_multicast_join(FLOOR_GROUP + 1, &ends[0].fd_out, &ends[1].fd_in) &&
               floor_multicast_join(FLOOR_GROUP + 2, &ends[1].fd_out, &ends[0].fd_in);
    bool joined = floor_tcp_join(&ends[0].fd_out, &ends[1].fd_out);
    ends[0].fd_in = ends[0].fd_out;
    ends[1].fd_in = ends[1].fd_out;
    return joined;
}

static inline void floor_part(floor_end *ends, void **areas, size_t area_bytes) {
    for (int i = 0; i < 2; i++) {
        if (areas[i] != NULL) munmap(areas[i], area_bytes);
        if (ends[i].fd_in >= 0 && ends[i].fd_in != ends[i].fd_out) close(ends[i].fd_in);
        if (ends[i].fd_out >= 0) close(ends[i].fd_out);
    }
}

/* Both threads on their cores; 0, or the errno of what the system refused. Round trips are timed by
 * the near end; of one way, the far end times what arrives. Not for two callers at once. */
static inline int floor_run(int kind, int round_trips, int near_cpu, int far_cpu,
                            uint64_t capacity, uint64_t blocks, uint64_t block_messages,
                            uint64_t *block_ns, uint64_t trips, uint64_t *trip_ns) {
    static _Alignas(128) floor_end ends[2];
    static _Alignas(128) _Atomic uint64_t received;
    void *areas[2] = {NULL, NULL};
    size_t area_bytes = 0;
    pthread_t threads[2];
    pthread_barrier_t barrier;
    int result = 0;
    atomic_store(&received, 0);
    ends[0] = ends[1] = (floor_end){.fd_out = -1, .fd_in = -1};
    if (!floor_join(kind, ends, capacity, areas, &area_bytes)) {
        result = errno;
    } else {
        floor_task near = {&ends[0], kind, near_cpu, blocks, block_messages, block_ns,
                           trips, trip_ns, &received, &barrier, 0};
        floor_task far = near;
        far.end = &ends[1];
        far.cpu = far_cpu;
        pthread_barrier_init(&barrier, NULL, 2);
        pthread_create(&threads[0], NULL, round_trips ? floor_ping_thread : floor_pour_thread,
                       &near);
        pthread_create(&threads[1], NULL, round_trips ? floor_pong_thread : floor_drain_thread,
                       &far);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        pthread_barrier_destroy(&barrier);
        result = near.failed != 0 ? near.failed : far.failed;
    }
    floor_part(ends, areas, area_bytes);
    return result;
}

#endif
