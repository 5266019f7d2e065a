from libc.stdint cimport uint32_t, uint64_t

cdef extern from "iron_atomics.h" nogil:
    uint64_t load_acquire_u64(const uint64_t* p)
    uint64_t load_relaxed_u64(const uint64_t* p)
    void store_release_u64(uint64_t* p, uint64_t v)
    void store_relaxed_u64(uint64_t* p, uint64_t v)
    uint32_t load_acquire_u32(const uint32_t* p)
    void store_release_u32(uint32_t* p, uint32_t v)
    bint compare_exchange_u32(uint32_t* p, uint32_t expected, uint32_t desired)
    void fence_acquire()
    void fence_release()
    void fence_full()
    void cpu_pause()
