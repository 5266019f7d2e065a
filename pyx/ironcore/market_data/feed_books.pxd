# Books as a subscriber rebuilds them from ITCH 5.0: every visible order, found by its reference.
#
# Orders are kept in one open-addressed table and not in price levels: a subscriber changes far more
# often than it looks, and a look sorts what it needs.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.status cimport Status

cdef struct BookOrder:               # 32 bytes; ironcore.market_data.feed_books.ORDER
    uint64_t order_ref
    uint64_t priority                # counts additions: lower is earlier in the queue of a price
    int32_t price
    uint32_t quantity                # 0: the slot is free
    uint16_t locate
    uint8_t side                     # 'B', 'S'
    uint8_t attribution[4]           # who shows it, zeros: nobody says so
    uint8_t reserved

cdef enum:
    REFERENCE_BYTES = 64             # a stock directory message and a trading action, 39 and 25

cdef struct BookTable:
    BookOrder* slots
    uint64_t mask                    # slots - 1, a power of two
    int shift                        # 64 - log2(slots)
    uint64_t count                   # orders
    uint64_t added                   # ever
    uint64_t executions              # E and P messages, and C that are to be printed
    uint64_t executed_quantity
    uint64_t crosses                 # auctions: Q messages
    uint64_t crossed_quantity
    uint64_t broken                  # executions that do not count: B messages
    uint64_t unknown                 # messages about orders that were not added
    uint64_t malformed
    uint64_t applied                 # messages, of any kind; the sequence of the latest if all came
    uint8_t timestamp[6]             # the latest message's
    uint8_t system_event[12]         # the latest such message, zeros before the first
    uint8_t* references              # REFERENCE_BYTES for each locate, zeros before the first
    char* symbols                    # 8 characters for each locate
    uint8_t* states                  # of each locate: ITCH's trading state, 0 before the first
    uint32_t locates_count           # highest locate known, and one

cdef Status book_table_open(BookTable* table) noexcept nogil
cdef void book_table_close(BookTable* table) noexcept nogil
# One ITCH message. STATUS_LIMIT: no memory for the order. Anything but STATUS_OK is counted.
cdef Status book_table_apply(BookTable* table, const uint8_t* message,
                             size_t bytes) noexcept nogil

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    int pthread_mutex_init(pthread_mutex_t* mutex, void* attributes)
    int pthread_mutex_lock(pthread_mutex_t* mutex)
    int pthread_mutex_unlock(pthread_mutex_t* mutex)
    int pthread_mutex_destroy(pthread_mutex_t* mutex)

cdef class BookBuilder:
    cdef BookTable table
    cdef pthread_mutex_t mutex       # held while messages are applied or looked at
