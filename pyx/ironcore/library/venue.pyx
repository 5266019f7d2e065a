"""The matching core for programs that hold their commands in arrays: whole batches of rows."""

import numpy as np

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.status cimport STATUS_FULL, STATUS_OK
from ironcore.engine.batch cimport (
    AHEAD_OF_BOOKS, AHEAD_OF_NOTHING, AHEAD_OF_ORDERS, BOOKS_AHEAD_COMMANDS, PREFETCH_DISTANCE,
    PREFETCH_NEVER, PREFETCH_ORDERS_MIN, Ahead, AheadOf, BooksAhead, ahead_level, ahead_of,
    ahead_order, ahead_slot, books_ahead_clear, books_ahead_look, events_copy,
)
from ironcore.book.book cimport Book
from ironcore.book.limits cimport SIDE_BUY
from ironcore.book.price_grid cimport PRICE_NONE, TickTable, grid_has_zero
from ironcore.library.command_rows cimport row_record, row_records_prepare
from ironcore.engine.dispatch cimport engine_apply
from ironcore.engine.engine cimport EngineLimits, engine_slot_at
from ironcore.engine.snapshot cimport (
    snapshot_bytes, snapshot_check, snapshot_load, snapshot_save,
)
from ironcore.wire.record cimport COMMAND_REPLACE_ORDER, CommandHeader

from ironcore.engine.matching_engine import EVENT_DTYPE


cdef inline uint32_t* _waiting_slot(Engine* engine, const RowBatch* batch,
                                    uint64_t index) noexcept nogil:
    """As engine_waiting_slot, of the row at this index, or of the last one where there are fewer:
    touched again, no more."""
    cdef const CommandRow* row = batch.rows + min(index, batch.count - 1)
    cdef uint32_t user_ref = (row.orig_user_ref if row.type == COMMAND_REPLACE_ORDER
                              else row.user_ref)
    return engine_slot_at(engine, row.session, user_ref)


cdef inline bint _take_events(Engine* engine, RowBatch* batch) noexcept nogil:
    """The events of the last command applied, if they fit; they stay with the engine otherwise."""
    cdef uint64_t first = batch.events_offsets[batch.applied - 1]
    if iron_unlikely(engine.events_count > batch.events_max - first):
        return False
    events_copy(batch.events + first, engine.events, engine.events_count)
    batch.events_offsets[batch.applied] = first + engine.events_count
    engine.events_count = 0
    return True


cdef void _begin(Engine* engine, const RowBatch* batch, Ahead* ahead) noexcept nogil:
    """As ahead_begin."""
    cdef uint64_t index
    for index in range(batch.applied, batch.applied + 3 * PREFETCH_DISTANCE):
        ahead_slot(ahead, index, _waiting_slot(engine, batch, index))
    for index in range(batch.applied, batch.applied + 2 * PREFETCH_DISTANCE):
        ahead_order(engine, ahead, index)
    for index in range(batch.applied, batch.applied + PREFETCH_DISTANCE):
        ahead_level(engine, ahead, index)


cdef inline void _look_at_books(Engine* engine, const RowBatch* batch, BooksAhead* ahead,
                                uint64_t index) noexcept nogil:
    """As books_ahead_step, of the row at this index."""
    cdef const CommandRow* row = batch.rows + min(index, batch.count - 1)
    books_ahead_look(engine, ahead, index, _waiting_slot(engine, batch, index), row.instrument,
                     row.side != SIDE_BUY, row.price)


cdef void _begin_books(Engine* engine, const RowBatch* batch, BooksAhead* ahead) noexcept nogil:
    """As books_ahead_start."""
    cdef uint64_t index
    books_ahead_clear(engine, ahead)
    for index in range(batch.applied, batch.applied + BOOKS_AHEAD_COMMANDS):
        _look_at_books(engine, batch, ahead, index)


cdef int row_batch_apply(Engine* engine, RowBatch* batch) noexcept nogil:
    cdef CommandHeader* header
    cdef uint64_t at
    cdef Ahead ahead
    cdef BooksAhead books
    cdef AheadOf what = AHEAD_OF_NOTHING
    if batch.applied and engine.events_count and not _take_events(engine, batch):
        return STATUS_FULL
    while batch.applied < batch.count:
        at = batch.applied
        if what == AHEAD_OF_NOTHING:
            what = ahead_of(engine, batch.prefetch_orders_min)
            if what == AHEAD_OF_ORDERS:
                _begin(engine, batch, &ahead)
            elif what == AHEAD_OF_BOOKS:
                _begin_books(engine, batch, &books)
        if what == AHEAD_OF_ORDERS:
            ahead_slot(&ahead, at + 3 * PREFETCH_DISTANCE,
                       _waiting_slot(engine, batch, at + 3 * PREFETCH_DISTANCE))
            ahead_order(engine, &ahead, at + 2 * PREFETCH_DISTANCE)
            ahead_level(engine, &ahead, at + PREFETCH_DISTANCE)
        elif what == AHEAD_OF_BOOKS:
            _look_at_books(engine, batch, &books, at + BOOKS_AHEAD_COMMANDS)
        header = row_record(&batch.records, batch.rows + at)
        batch.statuses[at] = <uint8_t>engine_apply(engine, <uint8_t*>header, header.record_bytes)
        batch.instruments[at] = header.instrument
        batch.applied += 1
        if not _take_events(engine, batch):
            return STATUS_FULL
    return STATUS_OK


cdef class VenueCore(MatchingEngine):
    """A matching core that takes rows (COMMAND_DTYPE), and can be saved and loaded."""

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
        cdef uint8_t[::1] events_view = events.view(np.uint8)
        cdef RowBatch batch
        cdef int status = STATUS_FULL
        if (rows_view.shape[0] != <Py_ssize_t>(count * sizeof(CommandRow))
                or statuses_view.shape[0] < <Py_ssize_t>count
                or instruments_view.shape[0] < <Py_ssize_t>count
                or offsets_view.shape[0] < <Py_ssize_t>count + 1):
            raise ValueError("found arrays that are too small, expected room for "
                             f"{count} rows of {sizeof(CommandRow)} bytes")
        row_records_prepare(&batch.records)
        batch.rows = <const CommandRow*>&rows_view[0]
        batch.count = count
        batch.applied = 0
        batch.statuses = &statuses_view[0]
        batch.instruments = &instruments_view[0]
        batch.events_offsets = &offsets_view[0]
        batch.prefetch_orders_min = PREFETCH_ORDERS_MIN
        if prefetch is not None:
            batch.prefetch_orders_min = 0 if prefetch else PREFETCH_NEVER
        while status == STATUS_FULL:
            batch.events = <Event*>&events_view[0]
            batch.events_max = len(events)
            with nogil:
                status = row_batch_apply(self.engine, &batch)
            if status == STATUS_FULL:
                larger = np.empty(2 * len(events) + self.engine.events_count, EVENT_DTYPE)
                taken = batch.events_offsets[batch.applied - 1]
                larger[:taken] = events[:taken]
                events = larger
                events_view = events.view(np.uint8)
        return events

    def user_ref_last(self, uint32_t session):
        """The highest UserRefNum that the session has used; 0 when none."""
        if session == 0 or session > self.engine.sessions_count:
            raise IndexError(f"session: found {session}, expected 1 to "
                             f"{self.engine.sessions_count}")
        return self.engine.sessions[session].user_ref_last

    def last_price(self, uint32_t instrument):
        """The price of the instrument's last execution; None when there is none."""
        self._side(instrument, False)
        cdef const Book* book = &self.engine.books[instrument]
        cdef int32_t none = PRICE_NONE if grid_has_zero(&book.grid) else 0
        return None if book.last_price == none else book.last_price

    def state(self, uint32_t instrument):
        """The code of the instrument's state (rule 13.1)."""
        self._side(instrument, False)
        return self.engine.books[instrument].state

    def terms(self, uint32_t instrument):
        """What CHANGE_INSTRUMENT may change, as it is now, by the fields' names; tick_table is the
        id of its tick table, or 0, and tick_size then 0."""
        self._side(instrument, False)
        cdef const Book* book = &self.engine.books[instrument]
        return {
            "tick_size": 0 if book.grid.tick_table else book.grid.tick_size,
            "tick_table": book.grid.tick_table,
            "lot_size": book.limits.lot_size,
            "price_min": book.grid.price_min,
            "price_max": book.grid.price_max,
            "quantity_max": book.limits.quantity_max,
            "reference_price": book.reference_price,
            "static_collar_bp": book.static_collar_bp,
            "dynamic_collar_bp": book.dynamic_collar_bp,
            "auction_collar_bp": book.auction_collar_bp,
            "entry_collar_bp": book.entry_collar_bp,
            "market_protection_bp": book.market_protection_bp,
            "pause_seconds": book.pause_seconds,
            "pause_random_seconds": self.engine.ends[instrument].pause_random_seconds,
            "post_only_mode": book.post_only_mode,
            "auction_extensions_max": book.auction_extensions_max,
            "followers_max": book.followers_max,
            "min_quantity_max": book.min_quantity_max,
            "allocation": book.allocation,
            "allocation_min": book.allocation_min,
        }

    @property
    def tick_tables(self):
        """The bands of each tick table, (price_from, tick_size), by its id."""
        cdef uint32_t index, band
        cdef const TickTable* table
        found = {}
        for index in range(self.engine.tick_tables_count):
            table = &self.engine.tick_tables[index]
            found[index + 1] = tuple([(table.bands[band].price_from, table.bands[band].tick_size)
                                      for band in range(table.bands_count)])
        return found

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
