# The matching core for programs that hold their commands in arrays: whole batches of rows.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.library.command_rows cimport CommandRow, RowRecords
from ironcore.engine.engine cimport Engine
from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.wire.record cimport Event

cdef struct RowBatch:
    const CommandRow* rows
    uint64_t count
    uint64_t applied                 # rows done
    uint8_t* statuses                # one a row
    uint32_t* instruments            # one a row
    uint64_t* events_offsets         # one a row, and the end: events_offsets[applied] events so far
    Event* events
    uint64_t events_max
    uint32_t prefetch_orders_min     # as in engine.batch
    RowRecords records               # of the row in hand

cdef class VenueCore(MatchingEngine):
    pass

# As batch_apply, over rows: STATUS_FULL when the events of the last command applied need room.
cdef int row_batch_apply(Engine* engine, RowBatch* batch) noexcept nogil
