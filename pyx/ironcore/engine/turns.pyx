"""The steps of a busy book: whose turn is next, and what is done with it."""

from libc.stdint cimport uint32_t, uint64_t

from ironcore.book.limits cimport TIME_IN_FORCE_FOK
from ironcore.book.order_pool cimport order_at
from ironcore.book.price_levels cimport levels_price
from ironcore.engine.order_path cimport order_go_on, order_proceed
from ironcore.engine.order_terms cimport Terms, terms_of_order
from ironcore.engine.orders cimport order_sell
from ironcore.engine.pending_work cimport STEP_COUNTED, step_count_turn, step_is_over
from ironcore.engine.settlement cimport peg_move, settle_on
from ironcore.engine.under_way cimport HAND_PEG, busy_end, busy_rotate, under_way_unlink


cdef void _go_on(Engine* engine, Book* book) noexcept nogil:
    """With the order in hand."""
    cdef uint32_t unit = book.under_way.next
    cdef bint is_peg = book.in_hand == HAND_PEG
    cdef uint32_t sell = order_sell(order_at(&engine.arena, unit))
    cdef Terms terms
    step_count_turn(engine, book, sell)
    under_way_unlink(engine, book, unit)
    if is_peg:
        peg_move(engine, book, unit, levels_price(&book.sides[sell ^ 1], book.in_hand_key))
        return
    terms_of_order(engine, book, unit, &terms)
    terms.activated_price = terms.price
    order_go_on(engine, book, &terms, unit)


cdef void _begin(Engine* engine, Book* book) noexcept nogil:
    """The next order's turn."""
    cdef uint32_t unit = book.under_way.next
    cdef Terms terms
    step_count_turn(engine, book, order_sell(order_at(&engine.arena, unit)))
    under_way_unlink(engine, book, unit)
    book.last_before_price = book.last_price
    terms_of_order(engine, book, unit, &terms)
    if terms.options.min_quantity or terms.time_in_force == TIME_IN_FORCE_FOK:
        engine.dry_run_steps = 0
        engine.step_actions += <uint64_t>STEP_COUNTED * engine.dry_run_steps_max
    terms.activated_price = terms.price
    order_proceed(engine, book, &terms, unit)


cdef void busy_step(Engine* engine, Book* book) noexcept nogil:
    if book.in_hand:
        _go_on(engine, book)
    while not book.in_hand and settle_on(engine, book):
        if book.under_way.next == 0:
            busy_end(engine)
            return
        if step_is_over(engine):
            break
        _begin(engine, book)
    busy_rotate(engine)
