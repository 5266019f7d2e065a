"""Orders that waited for an auction, and did not execute in it, or in part: they leave, or rest."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.book.book cimport (
    KIND_SHIFT, KIND_WAITING, KIND_WAITING_MARKET, book_unlink,
)
from ironcore.book.limits cimport CROSS_CLOSING, CROSS_NONE, TIME_IN_FORCE_DAY
from ironcore.book.options cimport PRICE_TYPE_LIMIT, PRICE_TYPE_TO_LIMIT
from ironcore.book.order_pool cimport Special, level_at, order_at, special_at
from ironcore.book.price_levels cimport levels_next
from ironcore.engine.auctions.auction_state cimport AuctionWaiting
from ironcore.engine.order_exit cimport CANCEL_REASON_IOC, cancel_whole
from ironcore.engine.order_path cimport order_add
from ironcore.engine.order_terms cimport Terms, terms_of_order
from ironcore.engine.pending_work cimport STEP_LEFT, STEP_MET, step_is_over
from ironcore.wire.record cimport STATE_CONTINUOUS


cdef enum:
    QUEUES_COUNT = 4                 # buys with a market price, with a limit, and sells


cdef inline bint _is_over(uint8_t waits_for, uint8_t cross_type, uint8_t state) noexcept nogil:
    """Whether the auction that an order waits for has been held, or is passed by."""
    return waits_for == cross_type or (state == STATE_CONTINUOUS and waits_for != CROSS_CLOSING)


cdef inline bint _has_limit(const Special* special, const Auction* auction) noexcept nogil:
    """Whether what the auction left of this order becomes a limit order."""
    return (auction.price.price != 0 and special.cross_type == auction.cross_type
            and special.options.price_type == PRICE_TYPE_TO_LIMIT
            and special.time_in_force == TIME_IN_FORCE_DAY)


cdef void _to_limit(Engine* engine, Book* book, uint32_t side, uint32_t unit,
                    int32_t price) noexcept nogil:
    """From the orders that wait to its place in the book."""
    cdef Special* special = special_at(&engine.arena, unit)
    cdef Terms terms
    book_unlink(&engine.arena, book, side, unit)
    special.price = price
    special.cross_type = CROSS_NONE
    special.options.price_type = PRICE_TYPE_LIMIT
    terms_of_order(engine, book, unit, &terms)
    order_add(engine, book, &terms, unit)


cdef void _end_one(Engine* engine, Book* book, const Auction* auction, uint32_t side,
                   uint32_t unit, uint8_t state) noexcept nogil:
    cdef const Special* special = special_at(&engine.arena, unit)
    if _has_limit(special, auction):
        engine.step_actions += STEP_LEFT
        _to_limit(engine, book, side, unit, auction.price.price)
    elif _is_over(special.cross_type, auction.cross_type, state):
        engine.step_actions += STEP_LEFT
        cancel_whole(engine, unit, CANCEL_REASON_IOC, 0)


cdef bint _next_level(Engine* engine, Book* book, AuctionWaiting* waiting) noexcept nogil:
    """False at the end. Where to go on is noted at once, as the level is gone when all its orders
    have left."""
    cdef uint32_t kind
    while waiting.level_next == 0:
        if waiting.queues_begun == QUEUES_COUNT:
            return False
        kind = KIND_WAITING if waiting.queues_begun & 1 else KIND_WAITING_MARKET
        waiting.side = kind << KIND_SHIFT | waiting.queues_begun >> 1
        if book.sides[waiting.side].levels:
            waiting.level_next = book.sides[waiting.side].best_level
        waiting.queues_begun += 1
    waiting.level = waiting.level_next
    waiting.level_next = levels_next(&engine.arena, &book.sides[waiting.side], waiting.level)
    waiting.unit = level_at(&engine.arena, waiting.level).link.next
    return True


cdef bint waiting_end(Engine* engine, Book* book, Auction* auction, uint8_t state) noexcept nogil:
    cdef AuctionWaiting* waiting = &auction.waiting
    cdef uint32_t unit
    while True:
        if waiting.unit == waiting.level:
            if not _next_level(engine, book, waiting):
                return True
        elif step_is_over(engine):
            return False
        else:
            engine.step_actions += STEP_MET
            unit = waiting.unit
            waiting.unit = order_at(&engine.arena, unit).link.next
            _end_one(engine, book, auction, waiting.side, unit, state)
