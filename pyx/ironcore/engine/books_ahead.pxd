# Looks ahead over commands that wait, where the books are many: what a new order needs of its book
# is touched as well, not only where a live order is. It is a chain, and each step reads what the
# one before it has brought in:
#
#   1  the order's slot; of the instrument's book the lines that most orders read
#   2  the live order; the lowest node of the prices, and the best level on the other side
#   3  the live order's level and neighbours; the new order's page and level; whom it may meet
#   4  the live order's side of its book; behind whom the new order queues; whose slot is met
#
# No step decides anything: what a later command finds may be another by then. A command of another
# kind takes the same path, over what is at the place of an order's fields: it touches what nobody
# needs. So every number that was read is checked before it is an address that is read.
#
# It is called once for each command and not in line: a command that goes to one of many books takes
# several times as long as the call.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

cdef enum:
    BOOKS_AHEAD_DISTANCE = 4         # commands between the steps
    BOOKS_AHEAD_COMMANDS = 16        # in four steps: so many are looked at, a power of two
    # Price nodes in use from which it pays. Each side with orders has one or more: so many are the
    # books whose lines a core's second cache no longer holds.
    BOOKS_AHEAD_NODES_MIN = 512

cdef struct WaitingCommand:
    uint32_t* slot                   # where the order is found
    Book* book
    int32_t price
    uint32_t sell
    uint32_t unit                    # the live order, or 0
    uint32_t key                     # of the price
    uint32_t node                    # lowest node for it, or 0
    uint32_t met                     # best level on the other side, then its first order, or 0
    uint32_t level                   # where the new order queues, or 0
    uint32_t page                    # of the live order's level

cdef struct BooksAhead:              # by index modulo BOOKS_AHEAD_COMMANDS
    WaitingCommand waiting[16]

# The command at this index is seen for the first time: what is due with it, of it and of those
# before it.
cdef void books_ahead_look(Engine* engine, BooksAhead* ahead, uint64_t index, uint32_t* slot,
                           uint32_t instrument, uint32_t sell, int32_t price) noexcept nogil
# Nothing has been looked at; there is a book.
cdef void books_ahead_clear(Engine* engine, BooksAhead* ahead) noexcept nogil
# Over records: before the one at first is applied, and before each from there on. Where there are
# fewer commands than the steps look ahead, the last one is looked at again.
cdef void books_ahead_start(Engine* engine, BooksAhead* ahead, const uint8_t* records,
                            const uint64_t* offsets, uint64_t first,
                            uint64_t count) noexcept nogil
cdef void books_ahead_step(Engine* engine, BooksAhead* ahead, const uint8_t* records,
                           const uint64_t* offsets, uint64_t at, uint64_t count) noexcept nogil


cdef inline bint books_are_many(const Engine* engine) noexcept nogil:
    return (engine.arena.node_pool.fresh - engine.arena.node_pool.free_count
            >= BOOKS_AHEAD_NODES_MIN)
