"""Many commands at once, with prefetching over those that wait."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from ironcore.base.builtins cimport iron_likely
from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_FULL, STATUS_OK
from ironcore.engine.books_ahead cimport BooksAhead, books_ahead_start, books_ahead_step
from ironcore.engine.commands cimport command_apply
from ironcore.engine.engine cimport ENGINE_EVENTS_HELD

cdef enum:
    PREFETCH_COMMANDS_MIN = 4        # that wait, from which looking at them pays
    STRETCH = 1024                   # commands for which it is decided whether to look ahead
    PLAIN_EVENTS_MAX = 4             # of a plain command, besides those for orders that rest now


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
