# The price of an auction, from what is in the book: rules 14.2, 14.3 and 14.10 of
# docs/MATCHING_RULES.md.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.book.options cimport PRICE_TYPE_IMBALANCE
from ironcore.book.order_pool cimport Arena, Order, special_at
from ironcore.book.price_grid cimport PRICE_NONE, grid_has_zero
from ironcore.engine.auctions.auction_state cimport AuctionPrice, AuctionSearch

cdef enum:
    AUCTION_BALANCED = 78            # 'N'
    AUCTION_NO_PRICE = 79            # 'O'

cdef void auction_search_begin(Arena* arena, const Book* book, uint8_t cross_type,
                               AuctionSearch* search) noexcept nogil
# Looks at the levels that could execute and the next two on each side, and at all levels when
# nothing but their limits can tell the price (no auction_reference); changes nothing but the search
# and the steps. False: the steps (rule 14.10) are spent. It goes on where it was with others, as
# long as the book's orders stay. There is no price then.
cdef bint auction_search(Arena* arena, const Book* book, AuctionSearch* search, uint64_t* steps,
                         AuctionPrice* out) noexcept nogil
# What of an order takes part in the price; kind is that of its queue.
cdef uint32_t auction_quantity(Arena* arena, uint32_t kind, uint32_t unit,
                               uint8_t cross_type) noexcept nogil


cdef inline bint waits_for_surplus(Arena* arena, uint32_t unit) noexcept nogil:
    """Whether an order that waits for an auction is imbalance-only (14.11)."""
    return special_at(arena, unit).options.price_type == PRICE_TYPE_IMBALANCE


cdef inline int32_t auction_reference(const Book* book) noexcept nogil:
    """PRICE_NONE when there is none."""
    cdef int32_t price = book.last_price
    if price == 0 and not grid_has_zero(&book.grid):
        price = book.reference_price
        if price == 0:
            return PRICE_NONE
    return price
