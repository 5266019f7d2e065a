# How an aggressor's quantity is shared out among orders that are displayed at one price, where that
# is not by time alone: section 19 of docs/MATCHING_RULES.md. Pure: whose orders they are, and what
# follows from an execution, is the engine's (aggressor.pyx).

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.book.order_pool cimport Arena

cdef enum:
    ALLOCATION_ORDERS_MAX = 1024     # of one round: those that have been there longest

cdef struct Share:                   # one order's part of a round
    uint32_t unit
    uint32_t place                   # in order of time, from 0
    uint32_t open                    # what it displays
    uint32_t given                   # what it executes

cdef struct Round:
    uint32_t count
    uint64_t open                    # of all of them
    Share shares[1024]               # in order of time; once allocated, in order of execution

cdef void round_begin(Round* round) noexcept nogil
# One more order, behind the others.
cdef void round_add(Arena* arena, Round* round, uint32_t unit) noexcept nogil
# What each of them executes of the quantity wanted: all of it, or all that they display if that is
# less. `allocation` is an Allocation other than by price and time. No product here has more than 64
# bits: both of its factors have 32.
cdef void round_allocate(Round* round, uint8_t allocation, uint32_t wanted, uint32_t lot_size,
                         uint32_t share_min) noexcept nogil
