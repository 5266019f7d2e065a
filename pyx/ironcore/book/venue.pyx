"""The matching core for programs that hold their commands in arrays: whole batches of rows."""

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.status cimport STATUS_FULL, STATUS_OK
from ironcore.book.batch cimport PREFETCH_NEVER, PREFETCH_ORDERS_MIN, batch_apply
from ironcore.book.command_rows cimport ROW_RECORD_BYTES_MAX, row_to_record
from ironcore.book.engine cimport Engine, EngineLimits
from ironcore.book.snapshot cimport (
    snapshot_bytes, snapshot_check, snapshot_load, snapshot_save,
)
from ironcore.wire.record cimport CommandHeader, Event

from ironcore.book.matching_engine import EVENT_DTYPE


cdef void _convert_chunk(RowBatch* rows) noexcept nogil:
    cdef uint64_t count = min(rows.rows_count - rows.converted, <uint64_t>CHUNK_ROWS)
    cdef const CommandRow* row = rows.rows + rows.converted
    cdef uint64_t at = 0
    cdef uint64_t index
    for index in range(count):
        rows.offsets[index] = at
        at += row_to_record(row + index, rows.records + at)
    rows.offsets[count] = at
    rows.batch.records = rows.records
    rows.batch.offsets = rows.offsets
    rows.batch.count = count
    rows.batch.applied = 0
    rows.batch.statuses = rows.statuses + rows.converted
    rows.batch.events_counts = rows.events_counts
    rows.converted += count


cdef void _finish_chunk(RowBatch* rows) noexcept nogil:
    """What the chunk's commands caused, and whose instruments they were."""
    cdef uint64_t first = rows.converted - rows.batch.count
    cdef uint64_t end = rows.events_offsets[first]
    cdef uint64_t index
    for index in range(rows.batch.count):
        end += rows.events_counts[index]
        rows.events_offsets[first + index + 1] = end
        rows.instruments[first + index] = (
            <const CommandHeader*>(rows.records + rows.offsets[index])).instrument


cdef int row_batch_apply(Engine* engine, RowBatch* rows) noexcept nogil:
    cdef int status
    while True:
        status = batch_apply(engine, &rows.batch)
        if status != STATUS_OK:
            return status
        _finish_chunk(rows)
        if rows.converted == rows.rows_count:
            return STATUS_OK
        _convert_chunk(rows)


cdef class VenueCore(MatchingEngine):
    """A matching core that takes rows (COMMAND_DTYPE), and can be saved and loaded."""

    def __init__(self, *limits, **named_limits):
        # Reused by every batch; numpy aligns what it allocates to 16 bytes.
        self._records = np.zeros(CHUNK_ROWS * ROW_RECORD_BYTES_MAX, np.uint8)
        self._offsets = np.zeros(CHUNK_ROWS + 1, np.uint64)
        self._counts = np.zeros(CHUNK_ROWS, np.uint32)

    def apply_rows(self, rows, statuses, instruments, offsets, events, prefetch=None):
        """Apply the rows, one after the other, with the GIL released.

        rows COMMAND_DTYPE[n], contiguous. Filled: statuses uint8[n]; instruments uint32[n], of
        each command's order (rule 8.6); offsets uint64[n + 1], where each command's events begin;
        events EVENT_DTYPE, which is returned, or a larger array in its place when it was too small.
        prefetch as in apply_batch.
        """
        cdef uint64_t count = len(rows)
        offsets[0] = 0
        if count == 0:
            return events
        if len(events) == 0:
            events = np.empty(2 * count + 64, EVENT_DTYPE)
        cdef const uint8_t[::1] rows_view = rows.view(np.uint8)
        cdef uint8_t[::1] statuses_view = statuses
        cdef uint32_t[::1] instruments_view = instruments
        cdef uint64_t[::1] offsets_view = offsets
        cdef uint8_t[::1] records_view = self._records
        cdef uint64_t[::1] record_offsets_view = self._offsets
        cdef uint32_t[::1] counts_view = self._counts
        cdef uint8_t[::1] events_view = events.view(np.uint8)
        cdef RowBatch batch
        cdef int status = STATUS_FULL
        if (rows_view.shape[0] != <Py_ssize_t>(count * sizeof(CommandRow))
                or statuses_view.shape[0] < <Py_ssize_t>count
                or instruments_view.shape[0] < <Py_ssize_t>count
                or offsets_view.shape[0] < <Py_ssize_t>count + 1):
            raise ValueError(f"found arrays too small for {count} rows of {sizeof(CommandRow)} "
                             "bytes")
        batch.rows = <const CommandRow*>&rows_view[0]
        batch.rows_count = count
        batch.converted = 0
        batch.records = &records_view[0]
        batch.offsets = &record_offsets_view[0]
        batch.events_counts = &counts_view[0]
        batch.statuses = &statuses_view[0]
        batch.instruments = &instruments_view[0]
        batch.events_offsets = &offsets_view[0]
        batch.batch.events_count = 0
        batch.batch.prefetch_orders_min = PREFETCH_ORDERS_MIN
        if prefetch is not None:
            batch.batch.prefetch_orders_min = 0 if prefetch else PREFETCH_NEVER
        _convert_chunk(&batch)
        while status == STATUS_FULL:
            batch.batch.events = <Event*>&events_view[0]
            batch.batch.events_max = len(events)
            with nogil:
                status = row_batch_apply(self.engine, &batch)
            if status == STATUS_FULL:
                larger = np.empty(2 * len(events) + self.engine.events_count, EVENT_DTYPE)
                larger[:batch.batch.events_count] = events[:batch.batch.events_count]
                events = larger
                events_view = events.view(np.uint8)
        return events

    def user_ref_last(self, uint32_t session):
        """The highest UserRefNum that the session has used; 0 when none."""
        if session == 0 or session > self.engine.sessions_count:
            raise IndexError(f"session {session}: expected one of {self.engine.sessions_count} "
                             "from 1")
        return self.engine.sessions[session].user_ref_last

    def last_price_e4(self, uint32_t instrument):
        """The price of the instrument's last execution in 1/10,000; 0 when there is none."""
        self._side(instrument, False)
        return self.engine.books[instrument].last_price_e4

    def save(self):
        """Everything that later commands depend on, as bytes for `load` of the same build."""
        saved = bytearray(snapshot_bytes(self.engine))
        cdef uint8_t[::1] view = saved
        with nogil:
            snapshot_save(self.engine, &view[0])
        return bytes(saved)

    @staticmethod
    def load(const uint8_t[::1] saved):
        """The core that was saved. ValueError for bytes that no core of this layout saved."""
        cdef EngineLimits limits
        cdef VenueCore core
        cdef bint is_sound
        if saved.shape[0] == 0 or not snapshot_check(&saved[0], saved.shape[0], &limits):
            raise ValueError(f"found {saved.shape[0]} bytes, expected a core as this version saves "
                             "it: they are damaged, or another version's")
        core = VenueCore(**dict(limits))
        with nogil:
            is_sound = snapshot_load(core.engine, &saved[0], saved.shape[0])
        if not is_sound:
            raise ValueError("the tables of the saved core contradict one another")
        return core
