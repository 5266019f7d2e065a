"""Orders under way, and the books that are busy with them: who waits where."""

from libc.stdint cimport uint32_t

from ironcore.base.check cimport iron_assert
from ironcore.book.book cimport book_classify
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, Arena, Link, link_at, order_at, special_at,
)
from ironcore.wire.record cimport STATE_CONTINUOUS, STATE_TRADE_AT_CLOSE


cdef void busy_begin(Engine* engine, Book* book) noexcept nogil:
    cdef uint32_t number = <uint32_t>(book - engine.books) + 1
    if book.is_busy:
        return
    book.is_busy = True
    book_classify(book)
    book.busy_next = 0
    if engine.busy_last:
        engine.books[engine.busy_last - 1].busy_next = number
    else:
        engine.busy_first = number
    engine.busy_last = number


cdef void _leave(Engine* engine) noexcept nogil:
    engine.busy_first = engine.books[engine.busy_first - 1].busy_next
    if engine.busy_first == 0:
        engine.busy_last = 0


cdef void busy_end(Engine* engine) noexcept nogil:
    cdef Book* book = busy_book(engine)
    iron_assert(book.under_way.next == 0, "a book has come to its end with an order under way")
    _leave(engine)
    book.is_busy = False
    book_classify(book)


cdef void busy_rotate(Engine* engine) noexcept nogil:
    cdef Book* book = busy_book(engine)
    _leave(engine)
    book.is_busy = False
    busy_begin(engine, book)


cdef void under_way_append(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef Link* link = link_at(&engine.arena, unit)
    special_at(&engine.arena, unit).is_under_way = True
    link.next = 0
    link.prev = book.under_way.prev
    if link.prev:
        link_at(&engine.arena, link.prev).next = unit
    else:
        book.under_way.next = unit
    book.under_way.prev = unit


cdef void under_way_hold(Engine* engine, Book* book, uint32_t unit, Hand hand,
                         uint32_t limit_key) noexcept nogil:
    cdef Link* link = link_at(&engine.arena, unit)
    busy_begin(engine, book)
    special_at(&engine.arena, unit).is_under_way = True
    link.prev = 0
    link.next = book.under_way.next
    if link.next:
        link_at(&engine.arena, link.next).prev = unit
    else:
        book.under_way.prev = unit
    book.under_way.next = unit
    book.in_hand = hand
    book.in_hand_key = limit_key


cdef void under_way_unlink(Engine* engine, Book* book, uint32_t unit) noexcept nogil:
    cdef Link link = link_at(&engine.arena, unit)[0]
    special_at(&engine.arena, unit).is_under_way = False
    if link.prev:
        link_at(&engine.arena, link.prev).next = link.next
    else:
        book.under_way.next = link.next
        book.in_hand = HAND_EMPTY
    if link.next:
        link_at(&engine.arena, link.next).prev = link.prev
    else:
        book.under_way.prev = link.prev


cdef const char* _list_broken(Engine* engine, const Book* book) noexcept nogil:
    cdef Arena* arena = &engine.arena
    cdef uint32_t unit = book.under_way.next
    cdef uint32_t previous = 0
    cdef uint32_t count = 0
    while unit:
        if unit % 2 or unit > 2 * arena.order_pool.fresh or count == arena.orders_live:
            return b"something is under way that is no order"
        if (not order_at(arena, unit).ref_side & ORDER_SPECIAL or order_at(arena, unit).level
                or not special_at(arena, unit).is_under_way
                or &engine.books[special_at(arena, unit).instrument] != book):
            return b"an order under way does not know it"
        if link_at(arena, unit).prev != previous:
            return b"an order under way does not know its neighbour"
        count += 1
        previous = unit
        unit = link_at(arena, unit).next
    if book.under_way.prev != previous:
        return b"a list does not know its end"
    return NULL


cdef const char* busy_broken(Engine* engine) noexcept nogil:
    cdef uint32_t number = engine.busy_first
    cdef uint32_t count = 0
    cdef uint32_t index
    cdef const Book* book
    cdef const char* broken
    while number:
        if number > engine.books_count or not engine.books[number - 1].is_busy:
            return b"a book is among the busy ones that is not"
        count += 1
        if count > engine.books_count:
            return b"the busy books are miscounted"
        if engine.books[number - 1].busy_next == 0 and engine.busy_last != number:
            return b"the busy books do not know their end"
        number = engine.books[number - 1].busy_next
    for index in range(engine.books_count):
        book = &engine.books[index]
        count -= book.is_busy
        if not book.is_busy and (book.under_way.next or book.in_hand or book.is_pricing_pegs
                                 or book.were_pegs_priced):
            return b"a book has steps left and is not busy"
        if book.in_hand and (book.under_way.next == 0 or (
                book.state != STATE_CONTINUOUS and book.state != STATE_TRADE_AT_CLOSE)):
            return b"a book has an order in hand that is not there"
        broken = _list_broken(engine, book)
        if broken != NULL:
            return broken
    if count:
        return b"the busy books are miscounted"
    return NULL
