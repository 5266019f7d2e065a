cdef extern from "iron_assert.h" nogil:
    void iron_assert(bint condition, const char* message)
    void iron_debug_assert(bint condition, const char* message)
    const bint IRON_IS_DEBUG
    # Checked by the C compiler: iron_static_assert(sizeof(Frame) == 16) in any function.
    void iron_static_assert(bint condition)
