"""One instrument's book: how it is made."""

from libc.stdint cimport uint32_t

from ironcore.base.check cimport iron_static_assert
from ironcore.book.price_levels cimport (
    KEY_NONE, PriceLevels, levels_create, levels_destroy,
)
from ironcore.wire.record cimport ALLOCATION_PRICE_TIME, EVENT_BYTES, STATE_CONTINUOUS


cdef void book_create(Arena* arena, Book* book, uint32_t index) noexcept nogil:
    iron_static_assert(sizeof(Book) == 832)
    iron_static_assert(TREES_AT == SIDES_COUNT * sizeof(PriceLevels))
    iron_static_assert(sizeof(Event) == EVENT_BYTES)
    iron_static_assert(SIDES_COUNT == KIND_PARKED << KIND_SHIFT)
    _shape(arena, book, index)
    book.state = STATE_CONTINUOUS
    book.peg_keys[0] = KEY_NONE
    book.peg_keys[1] = KEY_NONE


cdef void _shape(Arena* arena, Book* book, uint32_t index) noexcept nogil:
    cdef uint32_t side
    cdef bint descending
    for side in range(<uint32_t>SIDES_COUNT):
        # The best buy is the highest, but of stops the lowest buy comes first.
        descending = not side & 1
        if side >> KIND_SHIFT == KIND_STOPS:
            descending = not descending
        levels_create(arena, &book.sides[side], index << SIDE_SHIFT | side, &book.grid, descending)


cdef void book_reshape(Arena* arena, Book* book, uint32_t index) noexcept nogil:
    cdef uint32_t side
    for side in range(<uint32_t>SIDES_COUNT):
        levels_destroy(arena, &book.sides[side])
    _shape(arena, book, index)


cdef void book_classify(Book* book) noexcept nogil:
    book.is_plain = (
        book.state == STATE_CONTINUOUS and not book.is_busy
        and book.allocation == ALLOCATION_PRICE_TIME and book.entry_collar_bp == 0
        and book.market_protection_bp == 0 and book.static_collar_bp == 0
        and book.dynamic_collar_bp == 0 and book.protections == 0)


cdef bint book_is_empty(const Book* book) noexcept nogil:
    cdef uint32_t side
    for side in range(<uint32_t>SIDES_COUNT):
        if book.sides[side].levels:
            return False
    return book.pegs.next == 0 and book.trailing.next == 0 and book.under_way.next == 0
