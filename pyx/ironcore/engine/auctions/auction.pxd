# Auctions: rules 14.1 to 14.11 and 18.14 of docs/MATCHING_RULES.md. One is in progress at a time,
# and others are due behind it. What the change of state brings with it is state_command.pyx's.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.auctions.auction_state cimport AuctionDue
from ironcore.engine.engine cimport Engine

cdef enum AuctionOutcome:
    AUCTION_GOES_ON                  # with the next step
    AUCTION_EXTENDED                 # its price is beyond the collar (14.9)
    AUCTION_HELD

# The auction before this change of state comes behind those that are due already.
cdef void auction_append(Engine* engine, Book* book, uint8_t state, bint force,
                         uint32_t why) noexcept nogil
# One step of the first. When it does not go on, none is due any more for this book.
cdef AuctionOutcome auction_step(Engine* engine) noexcept nogil
# Says the indicative price. False, and nothing is said, when that takes more steps than the command
# in hand has left (14.10).
cdef bint auction_indicate(Engine* engine, Book* book, uint8_t cross_type) noexcept nogil
# The first broken rule, or NULL.
cdef const char* auctions_broken(const Engine* engine) noexcept nogil
