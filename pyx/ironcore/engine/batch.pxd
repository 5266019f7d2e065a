# Many commands at once, with prefetching over those that wait. Nothing of a later command is acted
# upon before its turn: its memory is touched, no more, so the events are those of one at a time.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_prefetch
from ironcore.book.book cimport Book, event_copy
from ironcore.engine.engine cimport Engine, engine_waiting_slot
from ironcore.book.order_pool cimport Order, order_at
from ironcore.book.price_levels cimport PAGE_SHIFT
from ironcore.wire.record cimport Event

cdef enum:
    PREFETCH_DISTANCE = 8            # commands between the stages
    PREFETCH_WINDOW = 32             # a power of two, no less than three distances
    # Live orders from which it pays: it made a book of 6,000 orders 0.5 % slower and one of 13,600
    # 2.8 % faster, with nothing else to fill the caches.
    PREFETCH_ORDERS_MIN = 8192
    PREFETCH_NEVER = 0xFFFFFFFF
    PREFETCH_BOOKS = 0xFFFFFFFE      # of orders and books, however few there are: for tests
    BOOKS_AHEAD_DISTANCE = 4         # commands between the steps
    BOOKS_AHEAD_COMMANDS = 16        # in four steps: so many are looked at, a power of two
    # Price nodes in use from which it is done; each side with orders has one or more. With nothing
    # else to fill the caches it made the messages of 1,000 books dearer by up to a sixth, and those
    # of 3,000 cheaper by a twelfth; beside other work it made both cheaper by a third.
    BOOKS_AHEAD_NODES_MIN = 2048

cdef enum AheadOf:                   # what is touched of the commands that wait
    AHEAD_OF_NOTHING = 0
    AHEAD_OF_ORDERS = 1              # the live orders that they name
    AHEAD_OF_BOOKS = 2               # and the books of new ones

cdef struct Batch:
    uint8_t* records
    const uint64_t* offsets          # of each record in records; count + 1 of them
    uint64_t count
    uint64_t applied                 # commands done
    uint8_t* statuses                # one a command
    uint32_t* events_counts          # one a command
    Event* events                    # of all commands, one after the other
    uint64_t events_count
    uint64_t events_max
    uint32_t prefetch_orders_min     # live orders from which to prefetch, or one of PREFETCH_

cdef struct Ahead:                   # of commands that wait, by index modulo PREFETCH_WINDOW
    uint32_t* slots[32]              # where the order is found
    uint32_t units[32]               # where it is, or was a few commands ago

# STATUS_OK when all are applied, STATUS_FULL when events[] has no room for those of the last
# command applied: make room and call again.
cdef int batch_apply(Engine* engine, Batch* batch) noexcept nogil


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


cdef inline void events_copy(Event* to, const Event* events, uint32_t count) noexcept nogil:
    """One by one: most commands cause one or two, for which a call of memcpy is longer than the
    copy."""
    cdef uint32_t index
    for index in range(count):
        event_copy(to + index, events + index)


cdef inline bint books_are_many(const Engine* engine) noexcept nogil:
    return (engine.arena.node_pool.fresh - engine.arena.node_pool.free_count
            >= BOOKS_AHEAD_NODES_MIN)


cdef inline AheadOf ahead_of(const Engine* engine, uint32_t prefetch_orders_min) noexcept nogil:
    """What pays now, or is asked for."""
    if prefetch_orders_min == PREFETCH_NEVER or engine.books_count == 0:
        return AHEAD_OF_NOTHING
    if prefetch_orders_min == PREFETCH_BOOKS or books_are_many(engine):
        return AHEAD_OF_BOOKS
    if engine.arena.orders_live >= prefetch_orders_min:
        return AHEAD_OF_ORDERS
    return AHEAD_OF_NOTHING


# Three steps, a distance apart, each of which reads what the one before has brought in.

cdef inline void ahead_slot(Ahead* ahead, uint64_t index, uint32_t* slot) noexcept nogil:
    ahead.slots[index & (PREFETCH_WINDOW - 1)] = slot
    iron_prefetch(slot)


cdef inline void ahead_order(Engine* engine, Ahead* ahead, uint64_t index) noexcept nogil:
    cdef uint32_t unit = ahead.slots[index & (PREFETCH_WINDOW - 1)][0]
    ahead.units[index & (PREFETCH_WINDOW - 1)] = unit
    iron_prefetch(order_at(&engine.arena, unit))


cdef inline void ahead_level(Engine* engine, const Ahead* ahead, uint64_t index) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, ahead.units[index & (PREFETCH_WINDOW - 1)])
    iron_prefetch(order_at(&engine.arena, order.level))
    iron_prefetch(order_at(&engine.arena, order.link.next))
    iron_prefetch(order_at(&engine.arena, order.link.prev))
    iron_prefetch(&engine.arena.pages[order.level >> PAGE_SHIFT])


cdef inline void ahead_begin(Engine* engine, Ahead* ahead, const uint8_t* records,
                             const uint64_t* offsets, uint64_t first,
                             uint64_t count) noexcept nogil:
    """The steps that are due before the command at first is applied; where there are fewer commands
    than steps look ahead, the last one is touched again."""
    cdef uint64_t index
    for index in range(first, first + 3 * PREFETCH_DISTANCE):
        ahead_slot(ahead, index,
                   engine_waiting_slot(engine, records + offsets[min(index, count - 1)]))
    for index in range(first, first + 2 * PREFETCH_DISTANCE):
        ahead_order(engine, ahead, index)
    for index in range(first, first + PREFETCH_DISTANCE):
        ahead_level(engine, ahead, index)


cdef inline void ahead_step(Engine* engine, Ahead* ahead, const uint8_t* records,
                            const uint64_t* offsets, uint64_t at, uint64_t count) noexcept nogil:
    """What is due with the command at this index."""
    cdef uint64_t last = at + 3 * PREFETCH_DISTANCE
    ahead_slot(ahead, last, engine_waiting_slot(engine, records + offsets[min(last, count - 1)]))
    ahead_order(engine, ahead, at + 2 * PREFETCH_DISTANCE)
    ahead_level(engine, ahead, at + PREFETCH_DISTANCE)
