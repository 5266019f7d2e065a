# An instrument's states: what each admits, which auction ends it, and how one begins. Section 13
# and rule 14.1 of docs/MATCHING_RULES.md.

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.book.auction_end cimport AuctionEnd
from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.book.limits cimport CROSS_CLOSING, CROSS_HALT, CROSS_OPENING

cdef extern from *:
    """
    /* Rule 13.2: reject reasons by state, from 'B' to 'X', and column. */
    static const unsigned char iron_admission['X' - 'B' + 1][5] = {
        /*              O     C     H     market others */
        ['C' - 'B'] = {0x02, 0x02, 0x02, 0x02, 0x02},   /* closed */
        ['B' - 'B'] = {0x00, 0x00, 0x14, 0x2D, 0x00},   /* pre-open */
        ['O' - 'B'] = {0x00, 0x00, 0x14, 0x2D, 0x00},   /* opening auction */
        ['T' - 'B'] = {0x14, 0x00, 0x14, 0x00, 0x00},   /* continuous */
        ['H' - 'B'] = {0x07, 0x07, 0x07, 0x07, 0x07},   /* halted */
        ['P' - 'B'] = {0x14, 0x00, 0x00, 0x07, 0x00},   /* paused */
        ['Q' - 'B'] = {0x14, 0x00, 0x00, 0x07, 0x00},   /* quote-only */
        ['L' - 'B'] = {0x14, 0x00, 0x14, 0x07, 0x00},   /* closing auction */
        ['X' - 'B'] = {0x14, 0x14, 0x14, 0x00, 0x00},   /* trade-at-close */
    };
    """
    const uint8_t iron_admission[23][5]

cdef enum:
    STATE_FIRST = 66                 # 'B', of the table

cdef enum AdmissionColumn:
    ADMIT_OPENING = 0
    ADMIT_CLOSING = 1
    ADMIT_HALT = 2
    ADMIT_IMMEDIATE = 3              # market (not a peg), IOC or FOK, and no stop
    ADMIT_OTHER = 4

# The cross type of the auction that ends a change from one state to the other; 0: there is none.
cdef uint8_t auction_between(uint8_t state, uint8_t state_next) noexcept nogil
# That of the auction for which INDICATIVE is said in this state, or 0.
cdef uint8_t auction_indicated(uint8_t state) noexcept nogil
# An instrument that is new has this state.
cdef void state_begin(Engine* engine, Book* book, uint8_t state) noexcept nogil
# It begins, and STATE_CHANGED says so; why: the four characters of the event.
cdef void state_enter(Engine* engine, Book* book, uint8_t state, uint32_t why) noexcept nogil
# Pauses the instrument, as the execution at this price is forbidden (13.6).
cdef void state_pause(Engine* engine, Book* book, int32_t price) noexcept nogil
# No more trading, and no more commands but this one's (2.8); the orders are the caller's.
cdef void state_retire(Engine* engine, Book* book) noexcept nogil
cdef bint state_is_known(uint8_t state) noexcept nogil
# Of those that an instrument with prices below 1 may have (2.12).
cdef bint state_has_no_auction(uint8_t state) noexcept nogil
# To be called after every change of the instrument's end, of its pause's terms and of the second.
cdef void end_classify(Engine* engine, const Book* book) noexcept nogil
# Its end is another one, or there is none any more: END_SET says so.
cdef void end_changed(Engine* engine, const Book* book) noexcept nogil


cdef inline AuctionEnd* book_end(Engine* engine, const Book* book) noexcept nogil:
    return &engine.ends[book - engine.books]


cdef inline uint32_t admission_reject(uint8_t state, uint8_t cross_type,
                                      bint is_immediate) noexcept nogil:
    """The reason for which this state, retired aside, does not admit such an order, or 0."""
    cdef uint32_t column = ADMIT_IMMEDIATE if is_immediate else ADMIT_OTHER
    if cross_type == CROSS_OPENING:
        column = ADMIT_OPENING
    elif cross_type == CROSS_CLOSING:
        column = ADMIT_CLOSING
    elif cross_type == CROSS_HALT:
        column = ADMIT_HALT
    return iron_admission[state - STATE_FIRST][column]
