"""Looks ahead over commands that wait, where the books are many; see books_ahead.pxd."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_prefetch
from ironcore.base.check cimport iron_static_assert
from ironcore.book.book cimport KIND_SHOWN, SIDE_MASK, SIDE_SHIFT, book_key
from ironcore.book.limits cimport SIDE_BUY
from ironcore.book.order_pool cimport (
    Arena, LevelPage, Order, PriceNode, level_at, order_at,
)
from ironcore.book.price_levels cimport NEAR_SHIFT, PAGE_SHIFT, PriceLevels
from ironcore.engine.engine cimport engine_waiting_slot
from ironcore.wire.record cimport CommandHeader, EnterOrder

cdef enum:
    FIELDS_BACK = 16                 # from an order's price and side into its header


cdef inline WaitingCommand* _at(BooksAhead* ahead, uint64_t index) noexcept nogil:
    return &ahead.waiting[index & (BOOKS_AHEAD_COMMANDS - 1)]


cdef void books_ahead_clear(Engine* engine, BooksAhead* ahead) noexcept nogil:
    iron_static_assert(BOOKS_AHEAD_COMMANDS == 4 * BOOKS_AHEAD_DISTANCE)
    iron_static_assert(KIND_SHOWN == 0)
    cdef uint32_t index
    for index in range(<uint32_t>BOOKS_AHEAD_COMMANDS):
        ahead.waiting[index] = WaitingCommand(
            engine.arena.slots, engine.books, 0, 0, 0, 0, 0, 0, 0, 0)


cdef inline void _book(Engine* engine, WaitingCommand* waiting, uint32_t* slot,
                       uint32_t instrument, uint32_t sell, int32_t price) noexcept nogil:
    cdef Book* book = &engine.books[instrument if instrument < engine.books_count else 0]
    waiting.slot = slot
    waiting.book = book
    waiting.sell = sell
    waiting.price = price
    iron_prefetch(slot)
    iron_prefetch(&book.limits)
    iron_prefetch(&book.sides[0])


cdef inline void _order_and_node(Engine* engine, WaitingCommand* waiting) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef const Book* book = waiting.book
    cdef const PriceLevels* side = &book.sides[waiting.sell]
    cdef const PriceLevels* opposite = &book.sides[waiting.sell ^ 1]
    # Of the first tick size: with several another key is found, and it is only looked at.
    cdef uint32_t tick = ((<uint32_t>waiting.price - <uint32_t>book.grid.lowest_price)
                          // book.grid.bands[0].tick_size)
    cdef uint32_t key = book_key(&book.grid, waiting.sell, tick)
    cdef bint is_near = key >> NEAR_SHIFT == side.near_prefix
    cdef bint crosses = opposite.best_key <= book.grid.ticks_count - 1 - key
    waiting.unit = waiting.slot[0]
    waiting.key = key
    waiting.node = side.near_node if is_near else 0
    waiting.met = opposite.best_level if crosses else 0
    iron_prefetch(order_at(arena, waiting.unit))
    iron_prefetch(&arena.nodes[waiting.node])
    iron_prefetch(&arena.nodes[waiting.node].child[(key >> PAGE_SHIFT) & 63])
    iron_prefetch(level_at(arena, waiting.met))
    iron_prefetch(&arena.pages[waiting.met >> PAGE_SHIFT])


cdef inline uint32_t _page(const Arena* arena, uint32_t node, uint32_t key) noexcept nogil:
    """The key's page under this node, or 0. What was a lowest node a moment ago is perhaps another
    node now, whose children are no pages."""
    cdef const PriceNode* found = &arena.nodes[node]
    cdef uint32_t child = (key >> PAGE_SHIFT) & 63
    cdef uint32_t page = found.child[child]
    cdef bint is_page = ((found.occupied >> child) & 1
                         and page < arena.page_first + arena.pages_max)
    return page if is_page else 0


cdef inline void _levels(Engine* engine, WaitingCommand* waiting) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef const Order* order = order_at(arena, waiting.unit)
    cdef uint32_t page = _page(arena, waiting.node, waiting.key)
    waiting.page = order.level >> PAGE_SHIFT
    waiting.level = page << PAGE_SHIFT | (waiting.key & 63)
    waiting.met = level_at(arena, waiting.met).link.next
    iron_prefetch(level_at(arena, order.level))
    iron_prefetch(order_at(arena, order.link.next))
    iron_prefetch(order_at(arena, order.link.prev))
    iron_prefetch(&arena.pages[waiting.page])
    iron_prefetch(&arena.pages[page])
    iron_prefetch(level_at(arena, waiting.level))
    iron_prefetch(order_at(arena, waiting.met))


cdef inline void _ends(Engine* engine, const WaitingCommand* waiting) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef const LevelPage* page = &arena.pages[waiting.page]
    cdef Book* book = &engine.books[page.side >> SIDE_SHIFT]
    cdef const Order* met = order_at(arena, waiting.met)
    iron_prefetch(&book.sides[page.side & SIDE_MASK])
    iron_prefetch(&book.limits)
    iron_prefetch(&arena.nodes[page.parent])
    iron_prefetch(order_at(arena, level_at(arena, waiting.level).link.prev))
    iron_prefetch(&arena.slots[met.slot])
    iron_prefetch(order_at(arena, met.link.next))


cdef void books_ahead_look(Engine* engine, BooksAhead* ahead, uint64_t index, uint32_t* slot,
                           uint32_t instrument, uint32_t sell, int32_t price) noexcept nogil:
    _book(engine, _at(ahead, index), slot, instrument, sell, price)
    _order_and_node(engine, _at(ahead, index - BOOKS_AHEAD_DISTANCE))
    _levels(engine, _at(ahead, index - 2 * BOOKS_AHEAD_DISTANCE))
    _ends(engine, _at(ahead, index - 3 * BOOKS_AHEAD_DISTANCE))


cdef inline void _look_at(Engine* engine, BooksAhead* ahead, uint64_t index,
                          const uint8_t* record) noexcept nogil:
    """Where a record has no order's fields, what is in its header stands for them: it may end
    there."""
    cdef const CommandHeader* header = <const CommandHeader*>record
    cdef bint has_fields = header.record_bytes >= sizeof(EnterOrder)
    cdef const EnterOrder* order = <const EnterOrder*>(record - (0 if has_fields
                                                                 else FIELDS_BACK))
    books_ahead_look(engine, ahead, index, engine_waiting_slot(engine, record), header.instrument,
                     order.side != SIDE_BUY, order.price)


cdef void books_ahead_start(Engine* engine, BooksAhead* ahead, const uint8_t* records,
                            const uint64_t* offsets, uint64_t first,
                            uint64_t count) noexcept nogil:
    cdef uint64_t index
    books_ahead_clear(engine, ahead)
    for index in range(first, first + BOOKS_AHEAD_COMMANDS):
        _look_at(engine, ahead, index, records + offsets[min(index, count - 1)])


cdef void books_ahead_step(Engine* engine, BooksAhead* ahead, const uint8_t* records,
                           const uint64_t* offsets, uint64_t at, uint64_t count) noexcept nogil:
    cdef uint64_t index = at + BOOKS_AHEAD_COMMANDS
    _look_at(engine, ahead, index, records + offsets[min(index, count - 1)])
