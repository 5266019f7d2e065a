# The loops of `bench match` over book building: only what they time is in them.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.market_data.itch_books cimport ItchBooks

cdef struct BooksRun:
    ItchBooks* books
    const uint8_t* data              # a length-framed ITCH file, checked to its end
    size_t bytes
    uint64_t messages                # done
    uint64_t sink                    # of the floor
    uint32_t* latencies_ns           # one a message
