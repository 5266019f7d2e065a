# Numbers that follow from a state alone and look like random ones: SplitMix64.

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #ifndef IRON_SPLITMIX64
    #define IRON_SPLITMIX64
    /* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
    static inline uint64_t iron_splitmix64(uint64_t *state) {
        uint64_t z = (*state += 0x9E3779B97F4A7C15ull);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }
    #endif
    """
    uint64_t iron_splitmix64(uint64_t* state) noexcept nogil
