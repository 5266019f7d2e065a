# Memory that is reserved once at start. Reserving costs address space only; what the hot path will
# touch is faulted in beforehand, the rest when (and if) a book grows into it.

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    static inline void iron_prefetch(const void *p) { __builtin_prefetch(p); }
    static inline uint32_t iron_lowest_bit(uint64_t word) {
        return (uint32_t)__builtin_ctzll(word);
    }
    #define iron_likely(condition) __builtin_expect(!!(condition), 1)
    #define iron_unlikely(condition) __builtin_expect(!!(condition), 0)
    """
    void iron_prefetch(const void* address) noexcept nogil
    unsigned int iron_lowest_bit(uint64_t word) noexcept nogil      # word must not be 0
    bint iron_likely(bint condition) noexcept nogil
    bint iron_unlikely(bint condition) noexcept nogil

# Zeroed pages, aligned to 2 MiB; NULL with errno ENOMEM when the host refuses.
cdef void* memory_reserve(uint64_t bytes) noexcept nogil
cdef void memory_release(void* base, uint64_t bytes) noexcept nogil

# Faults the range in, on huge pages where the host has them to give; contents stay.
cdef void memory_prefault(void* base, uint64_t bytes) noexcept nogil
