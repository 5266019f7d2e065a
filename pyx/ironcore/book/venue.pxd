# The matching core for programs that hold their commands in arrays: whole batches of rows.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.book.batch cimport Batch
from ironcore.book.command_rows cimport CommandRow
from ironcore.book.engine cimport Engine
from ironcore.book.matching_engine cimport MatchingEngine

cdef enum:
    # Rows that become records at a time. The records of so many are still cached when they are
    # applied (256 KB), and the prefetches that a chunk's first and last rows miss are few.
    CHUNK_ROWS = 4096

cdef struct RowBatch:
    const CommandRow* rows
    uint64_t rows_count
    uint64_t converted               # rows that have become records
    uint8_t* records                 # room for CHUNK_ROWS
    uint64_t* offsets                # CHUNK_ROWS + 1
    uint32_t* events_counts          # CHUNK_ROWS
    uint8_t* statuses                # of all rows
    uint32_t* instruments            # of all rows
    uint64_t* events_offsets         # of all rows, and the end
    Batch batch                      # of the chunk in hand

cdef class VenueCore(MatchingEngine):
    cdef object _records
    cdef object _offsets
    cdef object _counts

# As batch_apply, over rows: STATUS_FULL when the events of the last command applied need room.
cdef int row_batch_apply(Engine* engine, RowBatch* rows) noexcept nogil
