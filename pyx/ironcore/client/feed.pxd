# A subscriber to market data: takes a stream's messages in sequence, builds books, records.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.messaging.multicast.receiver cimport MulticastReceiver
from ironcore.messaging.subscription cimport SubscriptionEnd
from ironcore.market_data.feed_books cimport BookBuilder, BookTable

cdef struct FeedState:
    BookTable* table
    int record                       # file, -1: none
    bint stop_at_gap
    bint gap_met                     # by this run
    uint64_t failed                  # errno of recording, of memory, or of the transport
    uint64_t messages                # in sequence, each once
    uint64_t lost
    uint64_t mended                  # of those lost, by a snapshot
    uint8_t* record_buffer
    size_t record_bytes

cdef class Feed:
    cdef BookBuilder books
    cdef readonly SubscriptionEnd subscription
    cdef MulticastReceiver* multicast    # NULL: another transport carries the stream
    cdef FeedState state
    cdef uint64_t stop_asked
    cdef bint ended                  # the last message of the stream was taken

    cdef bint loop(self) noexcept nogil
    cdef int poll(self) noexcept nogil
    cdef bint give_up(self) noexcept nogil
    cdef bint waiting_for_gap(self) noexcept nogil
    cdef void wait(self) noexcept nogil
