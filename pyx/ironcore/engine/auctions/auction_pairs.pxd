# The executions of an auction: rules 14.4, 14.5 and 14.11 of docs/MATCHING_RULES.md. What is left
# to be done is in the auction (auction_state.pxd); each function goes on with it as far as the step
# goes, and says whether all of it is done.

from ironcore.book.book cimport Book
from ironcore.engine.auctions.auction_state cimport Auction
from ironcore.engine.engine cimport Engine

# What imbalance-only orders are to execute of the surplus: late_volume.
cdef void late_begin(Book* book, Auction* auction) noexcept nogil
cdef bint late_count(Engine* engine, Book* book, Auction* auction) noexcept nogil
# All that take part in the price.
cdef void pairs_begin(Book* book, Auction* auction) noexcept nogil
cdef bint pairs_execute(Engine* engine, Book* book, Auction* auction) noexcept nogil
# The surplus, with those that waited for it.
cdef bint pairs_execute_late(Engine* engine, Book* book, Auction* auction) noexcept nogil
# Nothing executes any more: icebergs display again.
cdef void pairs_end(Engine* engine, Book* book, Auction* auction) noexcept nogil
