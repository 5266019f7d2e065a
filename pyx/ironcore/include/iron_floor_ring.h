/* A framed single-producer single-consumer ring as one would write it in C, with the guarantees of
 * ironcore.ring.spsc: variable-length frames, sequence numbers, a commit word stored last with
 * release and stamped with its position, padding at the wrap, a terminator behind the last frame,
 * positions in shared memory from which either side can start anew, a counted "full".
 *
 * It is a floor that the compiled rings are measured against; see iron_floor.h. */
#ifndef IRON_FLOOR_RING_H
#define IRON_FLOOR_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define FLOOR_HEADER_BYTES 16
#define FLOOR_ALIGNMENT 16
#define FLOOR_PADDING 0x80000000u

typedef struct {
    _Atomic uint64_t commit;
    uint64_t sequence;
} floor_frame_header;

typedef struct {
    _Alignas(128) _Atomic uint64_t tail;
    uint64_t full_count;
    _Alignas(128) _Atomic uint64_t head;
} floor_shared_positions;

_Static_assert(sizeof(floor_frame_header) == FLOOR_HEADER_BYTES, "a header has 16 bytes");
_Static_assert(sizeof(floor_shared_positions) == 256, "two pairs of cache lines");

typedef struct {
    floor_shared_positions *shared;
    uint8_t *data;
    uint64_t mask, tail, head_seen, sequence_next;
} floor_producer;

typedef struct {
    floor_shared_positions *shared;
    uint8_t *data;
    uint64_t mask, head, frame_end;
} floor_consumer;

static inline floor_frame_header *floor_header_at(uint8_t *data, uint64_t index) {
    return (floor_frame_header *)(data + index);
}

static inline uint64_t floor_span_of(uint32_t bytes) {
    return ((uint64_t)bytes + FLOOR_HEADER_BYTES + FLOOR_ALIGNMENT - 1) &
           ~(uint64_t)(FLOOR_ALIGNMENT - 1);
}

static inline uint32_t floor_stamp_of(uint64_t position) { return (uint32_t)(position >> 3) | 1; }

static inline uint64_t floor_commit_word(uint64_t position, uint32_t length) {
    return (uint64_t)floor_stamp_of(position) << 32 | length;
}

static inline void floor_terminate(uint8_t *data, uint64_t index, uint64_t sequence) {
    floor_frame_header *header = floor_header_at(data, index);
    atomic_store_explicit(&header->commit, 0, memory_order_relaxed);
    header->sequence = sequence;
}

static inline uint8_t *floor_claim(floor_producer *p, uint32_t bytes) {
    uint64_t span = floor_span_of(bytes), room = p->mask + 1 - (p->tail & p->mask);
    uint64_t needed = span + FLOOR_HEADER_BYTES + (span > room ? room : 0);
    if (__builtin_expect(bytes > (p->mask + 1) / 8, 0)) return NULL;
    if (__builtin_expect(p->tail + needed - p->head_seen > p->mask + 1, 0)) {
        p->head_seen = atomic_load_explicit(&p->shared->head, memory_order_acquire);
        if (p->tail + needed - p->head_seen > p->mask + 1) {
            p->shared->full_count++;
            return NULL;
        }
    }
    if (__builtin_expect(span > room, 0)) {
        floor_terminate(p->data, 0, p->sequence_next);
        atomic_store_explicit(&floor_header_at(p->data, p->tail & p->mask)->commit,
                              floor_commit_word(p->tail, FLOOR_PADDING), memory_order_release);
        p->tail += room;
    }
    return p->data + (p->tail & p->mask) + FLOOR_HEADER_BYTES;
}

static inline void floor_commit(floor_producer *p, uint32_t bytes) {
    uint64_t end = p->tail + floor_span_of(bytes);
    floor_terminate(p->data, end & p->mask, ++p->sequence_next);
    atomic_store_explicit(&floor_header_at(p->data, p->tail & p->mask)->commit,
                          floor_commit_word(p->tail, bytes), memory_order_release);
    p->tail = end;
    atomic_store_explicit(&p->shared->tail, end, memory_order_release);
}

static inline const uint8_t *floor_peek(floor_consumer *c, uint32_t *bytes, uint64_t *sequence) {
    floor_frame_header *header = floor_header_at(c->data, c->head & c->mask);
    uint64_t word = atomic_load_explicit(&header->commit, memory_order_acquire);
    if (word >> 32 != floor_stamp_of(c->head)) return NULL;
    if (__builtin_expect((word & FLOOR_PADDING) != 0, 0)) {
        c->head = (c->head | c->mask) + 1;
        header = floor_header_at(c->data, 0);
        word = atomic_load_explicit(&header->commit, memory_order_acquire);
        if (word >> 32 != floor_stamp_of(c->head)) return NULL;
    }
    c->frame_end = c->head + floor_span_of((uint32_t)word);
    *bytes = (uint32_t)word;
    *sequence = header->sequence;
    return (const uint8_t *)header + FLOOR_HEADER_BYTES;
}

static inline void floor_release(floor_consumer *c) {
    c->head = c->frame_end;
    atomic_store_explicit(&c->shared->head, c->head, memory_order_release);
}

/* A ring of `capacity` bytes, a power of two, in memory that `*area` keeps: false without it. */
static inline bool floor_ring_join(floor_producer *from, floor_consumer *to, uint64_t capacity,
                                   void **area, size_t *area_bytes) {
    *area_bytes = 4096 + capacity;
    uint8_t *memory = mmap(NULL, *area_bytes, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return false;
    *area = memory;
    floor_shared_positions *shared = (floor_shared_positions *)memory;
    *from = (floor_producer){shared, memory + 4096, capacity - 1, 0, 0, 1};
    *to = (floor_consumer){shared, memory + 4096, capacity - 1, 0, 0};
    floor_terminate(memory + 4096, 0, 1);
    return true;
}

#endif
