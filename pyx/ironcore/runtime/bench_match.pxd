# The loops of `bench match`: only what they time is in them.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.book.engine cimport Engine
from ironcore.wire.record cimport Event

cdef struct Run:
    Engine* engine
    uint8_t* records
    const uint64_t* offsets          # count + 1 of them
    uint64_t first                   # records before it make the venue and its books, untimed
    uint64_t count
    uint32_t prefetch_orders_min     # as in book.batch
    Event* sink                      # where events go, as into the event stream: a ring
    uint64_t sink_mask
    uint64_t sink_at
    uint32_t* latencies_ns           # one a message
