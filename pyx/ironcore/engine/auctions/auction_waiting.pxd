# What an auction leaves of the orders that waited for it: rule 14.7 of docs/MATCHING_RULES.md.

from libc.stdint cimport uint8_t

from ironcore.book.book cimport Book
from ironcore.engine.auctions.auction_state cimport Auction
from ironcore.engine.engine cimport Engine

# Goes on with auction.waiting as far as the step goes; whether all of them have been come to.
# state: the one that follows.
cdef bint waiting_end(Engine* engine, Book* book, Auction* auction, uint8_t state) noexcept nogil
