"""The next peak of an iceberg."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.splitmix64 cimport iron_splitmix64
from ironcore.book.book cimport queue_append, queue_remove
from ironcore.engine.engine cimport engine_emit
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, REF_SHIFT, Order, Special, level_at, order_at, order_ref, order_side,
    special_at,
)
from ironcore.engine.orders cimport order_price, order_sell
from ironcore.book.price_levels cimport level_take_reserve
from ironcore.wire.record cimport (
    EVENT_ATTRIBUTED, EVENT_REPLENISHED, EVENT_SELL, EVENT_VISIBLE,
)


cdef uint32_t _peak(Special* special, uint32_t lot_size) noexcept nogil:
    cdef uint64_t random = special.options.random_reserves
    cdef uint64_t peak = special.options.max_floor
    if random:
        peak -= random
        peak += lot_size * (iron_splitmix64(&special.seed_state) % (2 * random // lot_size + 1))
    return <uint32_t>min(peak, <uint64_t>special.reserve)


cdef void order_replenish(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    cdef Special* special = special_at(&engine.arena, unit)
    cdef uint32_t peak = _peak(special, book.limits.lot_size)
    cdef uint64_t ref_before = order_ref(order)
    cdef uint8_t flags = EVENT_VISIBLE
    if order_sell(order):
        flags |= EVENT_SELL
    if order.ref_side & ORDER_ATTRIBUTED:
        flags |= EVENT_ATTRIBUTED
    special.reserve -= peak
    level_take_reserve(&engine.arena, order.level, peak)
    level_at(&engine.arena, order.level).total += <uint64_t>peak - order.quantity
    order.quantity = peak
    queue_remove(&engine.arena, unit)
    queue_append(&engine.arena, order.level, unit)
    engine.order_ref_last += 1
    order.ref_side = engine.order_ref_last << REF_SHIFT | order.ref_side & ((1 << REF_SHIFT) - 1)
    engine_emit(engine, EVENT_REPLENISHED, flags, 0, order_side(order), peak,
                engine.order_ref_last, ref_before, order_price(engine, unit), order.slot)
