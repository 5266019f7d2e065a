# Auctions: sections 14.1 to 14.10 of docs/MATCHING_RULES.md.

from libc.stdint cimport uint8_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

# Holds the auction. False, and nothing but COLLARS happens, when its price is beyond the collar and
# it is to be extended (14.9). state: the one that follows.
cdef bint auction_hold(Engine* engine, Book* book, uint8_t cross_type, uint8_t state,
                       bint force) noexcept nogil
# Says the indicative price. False, and nothing is said, when that takes more steps than the command
# in hand has left (14.10).
cdef bint auction_indicate(Engine* engine, Book* book, uint8_t cross_type) noexcept nogil
