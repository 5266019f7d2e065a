"""Many commands at once, with prefetching over those that wait."""

from libc.stdint cimport uint8_t, uint64_t

from ironcore.base.status cimport STATUS_FULL, STATUS_OK
from ironcore.book.engine cimport (
    engine_apply, engine_prefetch_level, engine_prefetch_order, engine_prefetch_slot,
)


cdef inline const uint8_t* _waiting(const Batch* batch, uint64_t index) noexcept nogil:
    """The command at this index, or the last one where there are fewer: touched again, no more."""
    return batch.records + batch.offsets[min(index, batch.count - 1)]


cdef bint _take_events(Engine* engine, Batch* batch) noexcept nogil:
    """The events of the last command applied, if they fit; they stay with the engine otherwise."""
    if engine.events_count > batch.events_max - batch.events_count:
        return False
    events_copy(batch.events + batch.events_count, engine.events, engine.events_count)
    batch.events_count += engine.events_count
    batch.events_counts[batch.applied - 1] = engine.events_count
    engine.events_count = 0
    return True


cdef int batch_apply(Engine* engine, Batch* batch) noexcept nogil:
    cdef uint64_t at
    if batch.applied and engine.events_count and not _take_events(engine, batch):
        return STATUS_FULL
    while batch.applied < batch.count:
        at = batch.applied
        if engine.arena.orders_live >= batch.prefetch_orders_min:
            engine_prefetch_slot(engine, _waiting(batch, at + 3 * PREFETCH_DISTANCE))
            engine_prefetch_order(engine, _waiting(batch, at + 2 * PREFETCH_DISTANCE))
            engine_prefetch_level(engine, _waiting(batch, at + PREFETCH_DISTANCE))
        batch.statuses[at] = <uint8_t>engine_apply(
            engine, batch.records + batch.offsets[at],
            <uint32_t>(batch.offsets[at + 1] - batch.offsets[at]))
        batch.applied += 1
        batch.events_counts[at] = 0
        if engine.events_count and not _take_events(engine, batch):
            return STATUS_FULL
    return STATUS_OK
