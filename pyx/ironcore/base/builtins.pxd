# The compiler's builtins, in one place.

from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    /* gcc takes a function that only prefetches for one without effect, and drops the call; the
     * empty asm keeps it (and costs no instruction). */
    static inline void iron_prefetch(const void *p) {
        __builtin_prefetch(p);
        __asm__ __volatile__("" : : "r"(p));
    }
    static inline uint32_t iron_lowest_bit(uint64_t word) {
        return (uint32_t)__builtin_ctzll(word);
    }
    /* Whole words, whatever the type that lies there: of a record that is written field by field a
     * load of more than one field has to wait until all of them have left the store buffer, and
     * everything behind it waits with it. Volatile keeps gcc from joining the words to vectors
     * again. */
    typedef uint64_t __attribute__((may_alias)) iron_word;
    static inline uint64_t iron_word_load(const void *p) {
        return *(const volatile iron_word *)p;
    }
    static inline void iron_word_store(void *p, uint64_t word) {
        *(volatile iron_word *)p = word;
    }
    #define iron_likely(condition) __builtin_expect(!!(condition), 1)
    #define iron_unlikely(condition) __builtin_expect(!!(condition), 0)
    """
    void iron_prefetch(const void* address) noexcept nogil
    uint32_t iron_lowest_bit(uint64_t word) noexcept nogil      # word must not be 0
    uint64_t iron_word_load(const void* address) noexcept nogil     # 8-byte aligned
    void iron_word_store(void* address, uint64_t word) noexcept nogil
    bint iron_likely(bint condition) noexcept nogil
    bint iron_unlikely(bint condition) noexcept nogil
