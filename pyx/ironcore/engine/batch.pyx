"""Many commands at once, with prefetching over those that wait."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from ironcore.base.builtins cimport iron_likely, iron_prefetch
from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_FULL, STATUS_OK
from ironcore.book.book cimport KIND_SHOWN, SIDE_MASK, SIDE_SHIFT, book_key
from ironcore.book.limits cimport SIDE_BUY
from ironcore.book.order_pool cimport Arena, LevelPage, PriceNode, level_at
from ironcore.book.price_levels cimport NEAR_SHIFT, PriceLevels
from ironcore.engine.commands cimport command_apply
from ironcore.engine.engine cimport ENGINE_EVENTS_HELD
from ironcore.wire.record cimport CommandHeader, EnterOrder

cdef enum:
    PREFETCH_COMMANDS_MIN = 4        # that wait, from which looking at them pays
    STRETCH = 1024                   # commands for which it is decided whether to look ahead
    PLAIN_EVENTS_MAX = 4             # of a plain command, besides those for orders that rest now
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
                          // book.grid.tick_size)
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


cdef uint64_t _place_events(Engine* engine, Batch* batch) noexcept nogil:
    """Choose where the next commands' events go: how many may gather there without a look."""
    cdef uint64_t room = batch.events_max - batch.events_count
    # A plain command causes one event for each order that it uses up, and three at most besides.
    # Orders that are used up rest now, or come with a command of this stretch: its fourth event.
    if room > engine.arena.orders_live + <uint64_t>STRETCH * PLAIN_EVENTS_MAX:
        engine.events = batch.events + batch.events_count
        return room
    engine.events = engine.events_base
    return min(<uint64_t>ENGINE_EVENTS_HELD, room)


cdef void _keep_events(Engine* engine, Batch* batch, const Event* first,
                       const Event* end) noexcept nogil:
    """Count what has gathered since _place_events; copy it, in one go, if it is not in its place:
    events that have only just been written would be waited for."""
    cdef uint64_t count = <uint64_t>(end - first)
    if first == engine.events_base:
        memcpy(batch.events + batch.events_count, first, count * sizeof(Event))
    batch.events_count += count


cdef bint _take_events(Engine* engine, Batch* batch) noexcept nogil:
    """Copy those of the last command applied, if they fit; they stay with the engine otherwise."""
    cdef uint32_t count = engine.events_count
    cdef bint fits = count <= batch.events_max - batch.events_count
    if fits:
        memcpy(batch.events + batch.events_count, engine.events, count * sizeof(Event))
        batch.events_count += count
        engine.events_count = 0
    else:
        memmove(engine.events_base, engine.events, count * sizeof(Event))
    batch.events_counts[batch.applied - 1] = count if fits else 0
    engine.events = engine.events_base
    return fits


cdef bint _apply_stretch(Engine* engine, Batch* batch, uint64_t end) noexcept nogil:
    """False when the events of the last command applied do not fit."""
    cdef const uint64_t* offsets = batch.offsets
    cdef uint8_t* records = batch.records
    cdef uint8_t* statuses = batch.statuses
    cdef uint32_t* events_counts = batch.events_counts
    cdef uint64_t room = _place_events(engine, batch)
    cdef Event* first = engine.events
    cdef Event* events_end = first
    cdef uint32_t count
    cdef uint64_t at
    cdef Ahead ahead
    cdef BooksAhead books
    cdef AheadOf what = AHEAD_OF_NOTHING
    if end - batch.applied >= PREFETCH_COMMANDS_MIN:
        what = ahead_of(engine, batch.prefetch_orders_min)
    if what == AHEAD_OF_ORDERS:
        ahead_begin(engine, &ahead, records, offsets, batch.applied, batch.count)
    elif what == AHEAD_OF_BOOKS:
        books_ahead_start(engine, &books, records, offsets, batch.applied, batch.count)
    for at in range(batch.applied, end):
        if what:
            if what == AHEAD_OF_ORDERS:
                ahead_step(engine, &ahead, records, offsets, at, batch.count)
            else:
                books_ahead_step(engine, &books, records, offsets, at, batch.count)
        statuses[at] = <uint8_t>command_apply(engine, records + offsets[at],
                                              <uint32_t>(offsets[at + 1] - offsets[at]))
        count = engine.events_count
        events_counts[at] = count
        # Of events that were withdrawn it is the distance of two places, and never less.
        if iron_likely(<uint64_t>(engine.events + count - first) < room):
            engine.events += count
            events_end = engine.events
            continue
        batch.applied = at + 1
        _keep_events(engine, batch, first, events_end)
        if not _take_events(engine, batch):
            return False
        room = _place_events(engine, batch)
        first = engine.events
        events_end = first
    batch.applied = end
    _keep_events(engine, batch, first, events_end)
    engine.events = engine.events_base
    engine.events_count = 0
    return True


cdef int batch_apply(Engine* engine, Batch* batch) noexcept nogil:
    iron_static_assert(PREFETCH_WINDOW >= 3 * PREFETCH_DISTANCE)
    if batch.applied and engine.events_count and not _take_events(engine, batch):
        return STATUS_FULL
    while batch.applied < batch.count:
        if not _apply_stretch(engine, batch, min(batch.count, batch.applied + STRETCH)):
            return STATUS_FULL
    return STATUS_OK
