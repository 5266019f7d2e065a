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


cdef inline Event* _mark(Engine* engine, const Batch* batch) noexcept nogil:
    """Up to here events gather, if they fit, without a look at the batch."""
    return engine.events_base + min(<uint64_t>ENGINE_EVENTS_HELD,
                                    batch.events_max - batch.events_count)


cdef void _flush(Engine* engine, Batch* batch) noexcept nogil:
    """Copy out the events that have gathered, in one go: those of a single command have only just
    been written, and would be waited for."""
    cdef uint64_t held = <uint64_t>(engine.events - engine.events_base)
    memcpy(batch.events + batch.events_count, engine.events_base, held * sizeof(Event))
    batch.events_count += held
    engine.events = engine.events_base


cdef bint _take_events(Engine* engine, Batch* batch) noexcept nogil:
    """The events of the last command applied, if they fit with those that have gathered; they stay
    with the engine otherwise, and only they."""
    cdef uint64_t held = <uint64_t>(engine.events - engine.events_base)
    cdef uint32_t count = engine.events_count
    if count > batch.events_max - batch.events_count - held:
        _flush(engine, batch)
        memmove(engine.events, engine.events + held, count * sizeof(Event))
        batch.events_counts[batch.applied - 1] = 0
        return False
    batch.events_counts[batch.applied - 1] = count
    engine.events += count
    engine.events_count = 0
    if held + count >= ENGINE_EVENTS_HELD:
        _flush(engine, batch)
    return True


cdef bint _apply_stretch(Engine* engine, Batch* batch, uint64_t end) noexcept nogil:
    """False when the events of the last command applied do not fit."""
    cdef const uint64_t* offsets = batch.offsets
    cdef uint8_t* records = batch.records
    cdef uint8_t* statuses = batch.statuses
    cdef uint32_t* events_counts = batch.events_counts
    cdef Event* mark = _mark(engine, batch)
    cdef Event* events_end
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
        events_end = engine.events + count
        if iron_likely(events_end < mark):
            engine.events = events_end
            continue
        batch.applied = at + 1
        if not _take_events(engine, batch):
            return False
        mark = _mark(engine, batch)
    batch.applied = end
    engine.events_count = 0
    return True


cdef int batch_apply(Engine* engine, Batch* batch) noexcept nogil:
    iron_static_assert(PREFETCH_WINDOW >= 3 * PREFETCH_DISTANCE)
    if batch.applied and engine.events_count and not _take_events(engine, batch):
        return STATUS_FULL
    while batch.applied < batch.count:
        if not _apply_stretch(engine, batch, min(batch.count, batch.applied + STRETCH)):
            return STATUS_FULL
    _flush(engine, batch)
    return STATUS_OK
