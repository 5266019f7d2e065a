# Full-depth books of a whole market, built from its ITCH 5.0 messages as fast as they can be read.
#
# The same arena, queues and trees of levels as the matching core's. An order is found by its
# reference in a flat table, as Nasdaq's references count up from 1 each day: a stream whose
# references do not is one for ironcore.market_data.feed_books.
#
# Prices are integers, of whatever decimals the instrument has. Multiples of 100, which with four
# decimals are whole cents and nearly all prices, are keys 100 apart; all others are keys 1 apart,
# in levels of their own. The best of both is the best.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.status cimport Status
from ironcore.book.order_pool cimport Arena
from ironcore.book.price_grid cimport PriceGrid
from ironcore.book.price_levels cimport PriceLevels, PriceTree

cdef enum:
    ITCH_LOCATES_MAX = 65536
    ITCH_ORDERS_MAX = 4194303        # of so many a level's total can be told
    ITCH_PRICE_MAX = 2000000000   # of ITCH 5.0

# A level page's side is locate << 2 | fine << 1 | sell.
cdef struct ItchBook:                # 256 bytes, by fine << 1 | sell; no side has a step before
    PriceLevels sides[4]             # the first order comes
    PriceTree trees[4]

cdef struct ItchBooks:
    Arena arena                      # slots are order references
    ItchBook* books                  # by locate
    uint32_t locates_max
    PriceGrid grids[2]               # multiples of 100, and everything
    uint64_t added                   # orders, ever
    uint64_t executions              # E and C messages
    uint64_t executed_quantity
    uint64_t unknown                 # messages about orders that are not there
    uint64_t others                  # messages that are not about orders
    uint64_t malformed

# References from 1 to below refs_max, locates below locates_max. STATUS_LIMIT when the host refuses
# the memory.
cdef Status itch_books_open(ItchBooks* books, uint32_t orders_max, uint64_t refs_max,
                            uint32_t locates_max) noexcept nogil
cdef void itch_books_close(ItchBooks* books) noexcept nogil
# Has the memory of the references below this one ready.
cdef void itch_books_prefault(ItchBooks* books, uint64_t refs) noexcept nogil
# One message. STATUS_LIMIT: no room for the order, its reference or locate; STATUS_MALFORMED: it is
# too short, or says what is impossible. Neither changes anything.
cdef Status itch_books_apply(ItchBooks* books, const uint8_t* message,
                             size_t bytes) noexcept nogil
# Of the messages from *offset on, each behind its length; *offset moves on behind each that is
# done. STATUS_EMPTY at the end, STATUS_TRUNCATED where the file ends within a message, or the
# status of the message at *offset.
cdef Status itch_books_apply_file(ItchBooks* books, const uint8_t* data, size_t bytes,
                                  size_t* offset, uint64_t* messages) noexcept nogil

cdef class MarketBooks:
    cdef ItchBooks books
