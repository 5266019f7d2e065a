# Where the quotes of one session are. A quote's sides are orders of the book, and live as long as
# their slots lead to one: no slot is ever used again, so nothing here is told when a side leaves.

from libc.stdint cimport uint32_t

cdef enum:
    QUOTES_MAX = 256                 # instruments with a live quote, of one session

cdef struct SessionQuotes:
    uint32_t count                   # places in use, some perhaps of quotes that have left
    uint32_t instruments[256]
    uint32_t slots[256][2]           # of the bid and the ask; 0: there never was one
