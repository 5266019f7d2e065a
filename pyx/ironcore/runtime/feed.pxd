# A subscriber's end of market data: takes messages in sequence, builds books, records.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.messaging.multicast_subscription cimport MulticastReceiver
from ironcore.messaging.subscription cimport SubscriptionEnd
from ironcore.runtime.feed_books cimport BookBuilder, BookTable

cdef struct Intake:
    BookTable* table
    uint64_t messages
    uint64_t lost                    # messages that never come
    uint64_t heard_ns
    uint64_t failed                  # errno of recording, or of memory, or of the transport
    int record                       # file, -1: none
    uint8_t* record_buffer
    size_t record_bytes

cdef class Feed:
    cdef BookBuilder books
    cdef SubscriptionEnd subscription
    cdef MulticastReceiver* multicast  # the subscription's, NULL when it is none
    cdef Intake intake
    cdef int a                       # descriptors to wait for, -1: none
    cdef int b
    cdef uint64_t stop_asked
    cdef bint ended

    cdef void loop(self) noexcept nogil
