# What one may ask about the books between two commands.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.engine.engine cimport Engine

cdef struct LevelView:               # 16 bytes; ironpit_level of ironpit_core.h
    int32_t price
    uint32_t orders
    uint64_t quantity                # displayed, of them all

cdef struct OrderView:               # 40 bytes; ironpit_order of ironpit_core.h
    uint64_t order_ref
    uint32_t slot
    uint32_t instrument
    uint32_t displayed               # open and displayed; of a hidden order 0
    uint32_t open                    # all of it
    uint32_t executed                # by the order and those that it replaced
    int32_t price                 # where it rests; else as entered
    uint8_t side
    uint8_t place                    # QueueKind
    uint8_t reserved[6]

# The best displayed levels of a side, best first; how many, at most levels_max. 0 for an instrument
# that there is not.
cdef uint32_t query_depth(Engine* engine, uint32_t instrument, bint sell, LevelView* levels,
                          uint32_t levels_max) noexcept nogil
# STATUS_OK or STATUS_EMPTY.
cdef int query_level(Engine* engine, uint32_t instrument, bint sell, int32_t price,
                     LevelView* level) noexcept nogil
cdef int query_order(Engine* engine, uint32_t session, uint32_t user_ref,
                     OrderView* out) noexcept nogil
