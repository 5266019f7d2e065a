# A publication whose only reader is a table of books. See book_publication.pyx.

from libc.stdint cimport uint64_t

from ironcore.messaging.publication cimport PublicationEnd
from ironcore.market_data.feed_books cimport BookBuilder, BookTable, pthread_mutex_t

cdef enum:                           # counters, in the order of COUNTERS
    BOOKS_OFFERED = 0
    BOOKS_BUSY = 1

cdef struct BookSink:
    BookTable* table
    pthread_mutex_t* mutex
    uint64_t** counters
    uint64_t sequence_next
    bint exhausted                   # there was no memory for an order
    bint ended

cdef class BookPublication(PublicationEnd):
    cdef BookSink sink
    cdef readonly BookBuilder books
