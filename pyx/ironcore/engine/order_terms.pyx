"""The terms of a valid order: what its fields and options come to."""

from libc.stdint cimport uint32_t

from ironcore.book.book cimport book_key
from ironcore.book.limits cimport TIME_IN_FORCE_FOK, TIME_IN_FORCE_IOC, price_is_market
from ironcore.book.options cimport STP_NONE, options_find_price
from ironcore.book.order_pool cimport (
    Order, Special, order_at, order_ref, order_side, special_at,
)
from ironcore.book.price_grid cimport PRICE_NONE, grid_tick
from ironcore.book.price_levels cimport KEY_WORST
from ironcore.engine.engine cimport Session
from ironcore.engine.orders cimport order_sell


cdef bint terms_prepare(const Book* book, Terms* terms) noexcept nogil:
    cdef uint32_t tick = 0
    terms.is_market = price_is_market(terms.price)
    terms.activated_price = PRICE_NONE
    terms.key = 0
    terms.limit_key = KEY_WORST
    if not terms.is_market:
        if not grid_tick(&book.grid, terms.price, &tick):
            return False
        terms.key = book_key(&book.grid, terms.sell, tick)
        terms.limit_key = book_key(&book.grid, terms.sell ^ 1, tick)
    terms.may_rest = (
        terms.time_in_force != TIME_IN_FORCE_IOC and terms.time_in_force != TIME_IN_FORCE_FOK
        and (not terms.is_market or options_find_price(&terms.options)))
    return True


cdef void terms_of_order(Engine* engine, const Book* book, uint32_t unit,
                         Terms* terms) noexcept nogil:
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef const Special* special = special_at(&engine.arena, unit)
    terms.options = special.options
    terms.reference = order_ref(order)
    terms.quantity = order.quantity
    terms.executed = order.executed
    terms.slot = order.slot
    terms.side = order_side(order)
    terms.sell = order_sell(order)
    terms.price = special.price
    terms.time_in_force = special.time_in_force
    terms.display = special.display
    terms.cross_type = special.cross_type
    terms.other = special.other
    terms_prepare(book, terms)


cdef void aggressor_of(const Engine* engine, const Terms* terms, Aggressor* out) noexcept nogil:
    cdef const Session* session = &engine.sessions[terms.slot >> engine.limits.user_ref_bits]
    out.sell = terms.sell
    out.limit_key = terms.limit_key
    out.quantity = terms.quantity
    out.executed = 0
    out.min_quantity = terms.options.min_quantity
    if terms.time_in_force == TIME_IN_FORCE_FOK:
        out.min_quantity = terms.quantity
    out.stp_mode = terms.options.stp_mode if terms.options.stp_mode else session.stp_mode
    out.stp_group = session.stp_group if out.stp_mode != STP_NONE else 0
    out.side = terms.side
    out.is_interrupted = False
    out.may_stop = False
    out.has_acted = False
    out.has_unit = True
    out.is_stopped = False
    out.slot = terms.slot
    out.reference = terms.reference
    out.price = terms.price
    out.activated_price = terms.activated_price
    out.other = terms.other
