"""A publication whose only reader is a table of books: what a snapshot server looks at.

Behind a publisher it holds the public's books at every moment, with the number of the last message
that is in them. It takes nothing while somebody copies the books: the publisher then offers again.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport STATUS_CLOSED, STATUS_FULL, STATUS_IO, STATUS_LIMIT, STATUS_OK
from ironcore.market_data.feed_books cimport (
    BookBuilder, book_table_apply, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock,
)

from ironcore.base.counter_declaration import Counter

cdef extern from "<pthread.h>" nogil:
    int pthread_mutex_trylock(pthread_mutex_t* mutex)

COUNTERS = (
    Counter("offered", "messages taken into the books", unit="messages"),
    Counter("busy", "messages refused because the books were being copied", unit="messages"),
)


cdef void _apply(BookSink* s, const uint8_t* frame, uint32_t frame_bytes) noexcept nogil:
    """Take one message in; the mutex is held."""
    if book_table_apply(s.table, frame, frame_bytes) == STATUS_LIMIT:
        s.exhausted = True
    s.sequence_next += 1
    counter_add(s.counters[BOOKS_OFFERED], 1)


cdef int _offer(void* self, const uint8_t* frame, uint32_t frame_bytes,
                uint64_t now_ns) noexcept nogil:
    cdef BookSink* s = <BookSink*>self
    if s.ended:
        return STATUS_CLOSED
    if s.exhausted:
        return STATUS_IO
    if pthread_mutex_trylock(s.mutex) != 0:
        counter_add(s.counters[BOOKS_BUSY], 1)
        return STATUS_FULL
    _apply(s, frame, frame_bytes)
    pthread_mutex_unlock(s.mutex)
    return STATUS_OK


cdef int _turn(void* self, uint64_t now_ns) noexcept nogil:
    return 0


cdef void _recall(void* self, const uint8_t* frame, uint32_t frame_bytes) noexcept nogil:
    cdef BookSink* s = <BookSink*>self
    pthread_mutex_lock(s.mutex)
    _apply(s, frame, frame_bytes)
    pthread_mutex_unlock(s.mutex)


cdef uint64_t _sequence_next(void* self) noexcept nogil:
    return (<BookSink*>self).sequence_next


cdef void _end(void* self) noexcept nogil:
    (<BookSink*>self).ended = True


cdef class BookPublication(PublicationEnd):
    """Takes messages of ITCH 5.0 into `books`, which may be looked at at any time."""

    def __init__(self, CounterSet counters=None):
        cdef BookBuilder books = BookBuilder()
        if counters is None:
            counters = CounterSet("snapshot", COUNTERS)
        self.books = books
        self.counters = counters
        self.sink.table = &books.table
        self.sink.mutex = &books.mutex
        self.sink.counters = counters.values
        self.sink.sequence_next = 1
        self.publication.self = &self.sink
        self.publication.offer = _offer
        self.publication.turn = _turn
        self.publication.recall = _recall
        self.publication.sequence_next = _sequence_next
        self.publication.end = _end
