# Keeps level pages and nodes in memory ahead of those in use: a side of a book takes its first ones
# when its first order comes, and then they are there. So an instrument without orders needs none.

from libc.stdint cimport uint32_t, uint64_t

from ironcore.book.order_pool cimport Arena

cdef struct PoolAhead:
    uint32_t seen                    # the highest number given out, when last looked at
    uint32_t end                     # behind the last number that was made resident

cdef struct ArenaAhead:              # zeros at first
    PoolAhead pages
    PoolAhead nodes

# One look, by a thread that is not the arena's: it reads how many are given out, and populates
# memory, without touching what it holds. How many bytes it has looked after; 0 when there was
# nothing to do, or the kernel cannot (before Linux 5.14).
cdef uint64_t arena_keep_ahead(Arena* arena, ArenaAhead* ahead) noexcept nogil
