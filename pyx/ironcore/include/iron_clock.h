/* clock_gettime through libc: the vDSO answers without a kernel transition on every clock source
 * that it knows; ironcore.base.clock probes whether that is so on this host. */
#ifndef IRON_CLOCK_H
#define IRON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t iron_clock_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t iron_clock_mono_ns(void) { return iron_clock_ns(CLOCK_MONOTONIC); }
static inline uint64_t iron_clock_real_ns(void) { return iron_clock_ns(CLOCK_REALTIME); }

#endif
