cdef extern from "iron_assert.h" nogil:
    void iron_assert(bint condition, const char* message)
    void iron_debug_assert(bint condition, const char* message)
