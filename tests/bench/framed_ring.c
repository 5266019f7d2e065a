/* A framed single-producer single-consumer ring as one would write it in C, with the guarantees of
 * ironcore.ring.spsc: variable-length frames, sequence numbers, a commit word stored last with
 * release and stamped with its position, padding at the wrap, a terminator behind the last frame,
 * positions in shared memory from which either side can start anew, a counted "full".
 *
 * It is what the compiled rings are measured against, by the same loops on the same cores; see
 * ring_floor.py. Nothing else uses it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PAYLOAD_BYTES = 64, HEADER_BYTES = 16, ALIGNMENT = 16, GOODBYE = 0 };
#define PADDING 0x80000000u

typedef struct {
    _Atomic uint64_t commit;
    uint64_t sequence;
} frame_header;

typedef struct {
    _Alignas(128) _Atomic uint64_t tail;
    uint64_t full_count;
    _Alignas(128) _Atomic uint64_t head;
} shared_positions;

_Static_assert(sizeof(frame_header) == HEADER_BYTES, "a header has 16 bytes");
_Static_assert(sizeof(shared_positions) == 256, "two pairs of cache lines");

typedef struct {
    shared_positions *shared;
    uint8_t *data;
    uint64_t mask, tail, head_seen, sequence_next;
} producer;

typedef struct {
    shared_positions *shared;
    uint8_t *data;
    uint64_t mask, head, frame_end;
} consumer;

static inline frame_header *header_at(uint8_t *data, uint64_t index) {
    return (frame_header *)(data + index);
}

static inline uint64_t span_of(uint32_t bytes) {
    return ((uint64_t)bytes + HEADER_BYTES + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

static inline uint32_t stamp_of(uint64_t position) { return (uint32_t)(position >> 3) | 1; }

static inline uint64_t commit_word(uint64_t position, uint32_t length) {
    return (uint64_t)stamp_of(position) << 32 | length;
}

static inline void terminate(uint8_t *data, uint64_t index, uint64_t sequence) {
    frame_header *header = header_at(data, index);
    atomic_store_explicit(&header->commit, 0, memory_order_relaxed);
    header->sequence = sequence;
}

static inline uint8_t *claim(producer *p, uint32_t bytes) {
    uint64_t span = span_of(bytes), room = p->mask + 1 - (p->tail & p->mask);
    uint64_t needed = span + HEADER_BYTES + (span > room ? room : 0);
    if (__builtin_expect(bytes > (p->mask + 1) / 8, 0)) return NULL;
    if (__builtin_expect(p->tail + needed - p->head_seen > p->mask + 1, 0)) {
        p->head_seen = atomic_load_explicit(&p->shared->head, memory_order_acquire);
        if (p->tail + needed - p->head_seen > p->mask + 1) {
            p->shared->full_count++;
            return NULL;
        }
    }
    if (__builtin_expect(span > room, 0)) {
        terminate(p->data, 0, p->sequence_next);
        atomic_store_explicit(&header_at(p->data, p->tail & p->mask)->commit,
                              commit_word(p->tail, PADDING), memory_order_release);
        p->tail += room;
    }
    return p->data + (p->tail & p->mask) + HEADER_BYTES;
}

static inline void commit(producer *p, uint32_t bytes) {
    uint64_t end = p->tail + span_of(bytes);
    terminate(p->data, end & p->mask, ++p->sequence_next);
    atomic_store_explicit(&header_at(p->data, p->tail & p->mask)->commit,
                          commit_word(p->tail, bytes), memory_order_release);
    p->tail = end;
    atomic_store_explicit(&p->shared->tail, end, memory_order_release);
}

static inline const uint8_t *peek(consumer *c, uint32_t *bytes, uint64_t *sequence) {
    frame_header *header = header_at(c->data, c->head & c->mask);
    uint64_t word = atomic_load_explicit(&header->commit, memory_order_acquire);
    if (word >> 32 != stamp_of(c->head)) return NULL;
    if (__builtin_expect((word & PADDING) != 0, 0)) {
        c->head = (c->head | c->mask) + 1;
        header = header_at(c->data, 0);
        word = atomic_load_explicit(&header->commit, memory_order_acquire);
        if (word >> 32 != stamp_of(c->head)) return NULL;
    }
    c->frame_end = c->head + span_of((uint32_t)word);
    *bytes = (uint32_t)word;
    *sequence = header->sequence;
    return (const uint8_t *)header + HEADER_BYTES;
}

static inline void release(consumer *c) {
    c->head = c->frame_end;
    atomic_store_explicit(&c->shared->head, c->head, memory_order_release);
}

/* The measuring loops; the same as in bench_ring.pyx. */

typedef struct {
    producer out;
    consumer in;
    uint8_t payload[PAYLOAD_BYTES];
} end_of_line;

typedef struct {
    end_of_line *end;
    int cpu;
    uint64_t blocks, block_messages, *block_ns, trips, *trip_ns;
    pthread_barrier_t *barrier;
    int failed;
} task;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void pause_core(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#endif
}

static inline void send_value(end_of_line *end, uint64_t value) {
    uint8_t *place;
    memcpy(end->payload, &value, 8);
    while ((place = claim(&end->out, PAYLOAD_BYTES)) == NULL) pause_core();
    memcpy(place, end->payload, PAYLOAD_BYTES);
    commit(&end->out, PAYLOAD_BYTES);
}

static inline uint64_t receive_value(end_of_line *end) {
    const uint8_t *place;
    uint32_t bytes;
    uint64_t sequence, value;
    while ((place = peek(&end->in, &bytes, &sequence)) == NULL) pause_core();
    memcpy(end->payload, place, PAYLOAD_BYTES);
    release(&end->in);
    memcpy(&value, end->payload, 8);
    return value;
}

static void pin_and_wait(task *t) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(t->cpu, &set);
    t->failed = sched_setaffinity(0, sizeof set, &set);
    pthread_barrier_wait(t->barrier);
}

static void *ping(void *argument) {
    task *t = argument;
    uint64_t value = 0;
    pin_and_wait(t);
    for (uint64_t i = 0; i < t->blocks; i++) {
        uint64_t start = now_ns();
        for (uint64_t j = 0; j < t->block_messages; j++) {
            send_value(t->end, ++value);
            receive_value(t->end);
        }
        t->block_ns[i] = now_ns() - start;
    }
    for (uint64_t i = 0; i < t->trips; i++) {
        uint64_t start = now_ns();
        send_value(t->end, ++value);
        receive_value(t->end);
        t->trip_ns[i] = now_ns() - start;
    }
    send_value(t->end, GOODBYE);
    return NULL;
}

static void *pong(void *argument) {
    task *t = argument;
    uint64_t value = 1;
    pin_and_wait(t);
    while (value != GOODBYE) {
        value = receive_value(t->end);
        send_value(t->end, value);
    }
    return NULL;
}

static void *pour(void *argument) {
    task *t = argument;
    pin_and_wait(t);
    for (uint64_t i = 0; i < t->blocks * t->block_messages; i++) send_value(t->end, i + 1);
    return NULL;
}

static void *drain(void *argument) {
    task *t = argument;
    pin_and_wait(t);
    for (uint64_t i = 0; i < t->blocks; i++) {
        uint64_t start = now_ns();
        for (uint64_t j = 0; j < t->block_messages; j++) receive_value(t->end);
        t->block_ns[i] = now_ns() - start;
    }
    return NULL;
}

static bool join_ends(end_of_line *from, end_of_line *to, uint64_t capacity, void **area) {
    size_t bytes = sizeof(shared_positions) + 4096 + capacity;
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return false;
    *area = memory;
    shared_positions *shared = (shared_positions *)memory;
    from->out = (producer){shared, memory + 4096, capacity - 1, 0, 0, 1};
    to->in = (consumer){shared, memory + 4096, capacity - 1, 0, 0};
    terminate(memory + 4096, 0, 1);
    return true;
}

/* Both threads on their cores, over a ring each way; 0, or what the system refused. */
int framed_ring_run(int round_trips, int near_cpu, int far_cpu, uint64_t capacity, uint64_t blocks,
                    uint64_t block_messages, uint64_t *block_ns, uint64_t trips,
                    uint64_t *trip_ns) {
    static _Alignas(128) end_of_line ends[2];
    void *areas[2] = {NULL, NULL};
    pthread_t threads[2];
    pthread_barrier_t barrier;
    size_t bytes = sizeof(shared_positions) + 4096 + capacity;
    if (!join_ends(&ends[0], &ends[1], capacity, &areas[0])) return 1;
    if (!join_ends(&ends[1], &ends[0], capacity, &areas[1])) return 1;
    pthread_barrier_init(&barrier, NULL, 2);
    /* The near end times round trips; of one way, the far end times what arrives. */
    task near = {&ends[0], near_cpu, blocks, block_messages, block_ns, trips, trip_ns, &barrier, 0};
    task far = near;
    far.end = &ends[1];
    far.cpu = far_cpu;
    pthread_create(&threads[0], NULL, round_trips ? ping : pour, &near);
    pthread_create(&threads[1], NULL, round_trips ? pong : drain, &far);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    pthread_barrier_destroy(&barrier);
    munmap(areas[0], bytes);
    munmap(areas[1], bytes);
    return near.failed || far.failed ? 2 : 0;
}
