"""The matching core for Python: records in, numpy structured arrays out."""

import hashlib

import numpy as np

from libc.errno cimport ENOMEM, errno
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_FULL, STATUS_MALFORMED
from ironcore.book.allocation cimport ALLOCATION_ORDERS_MAX
from ironcore.book.arena_ahead cimport arena_keep_ahead
from ironcore.engine.batch cimport (
    PREFETCH_BOOKS, PREFETCH_NEVER, PREFETCH_ORDERS_MIN, Batch, batch_apply,
)
from ironcore.engine.book_view cimport orders_of, state_of
from ironcore.engine.dispatch cimport engine_apply
from ironcore.engine.engine cimport (
    EngineLimits, EngineMemory, engine_create, engine_destroy, engine_memory,
)
from ironcore.engine.invariants cimport engine_broken_invariant
from ironcore.engine.under_way cimport steps_are_left
from ironcore.book.price_levels cimport (
    PriceLevels, level_displayed, level_key, level_orders, levels_next, levels_price,
)
from ironcore.wire.record cimport COMMAND_BYTES_MAX, COMMAND_HEADER_BYTES, EVENT_BYTES, Event

EVENT_DTYPE = np.dtype([
    ("type", "u1"), ("flags", "u1"), ("reason", "u1"), ("side", "u1"), ("quantity", "<u4"),
    ("order_ref", "<u8"), ("other", "<u8"), ("price", "<i4"), ("slot", "<u4"),
])
ORDER_DTYPE = np.dtype([
    ("order_ref", "<u8"), ("slot", "<u4"), ("quantity", "<u4"), ("executed", "<u4"),
    ("price", "<i4"), ("instrument", "<u4"), ("side", "u1"), ("place", "u1"),
    ("reserved", "V2"), ("reserve", "<u4"), ("stop_price", "<i4"),
])
LEVEL_DTYPE = np.dtype([("price", "<i4"), ("orders", "<u4"), ("quantity", "<u8")])

cdef enum:
    COMMAND_WORDS_MAX = 64

cdef struct LevelRow:                # one of LEVEL_DTYPE
    int32_t price
    uint32_t orders
    uint64_t quantity


def record_offsets(const unsigned char[::1] records):
    """Where each record begins, and the end: uint64[n + 1]. ValueError when the lengths that the
    records state do not fill the buffer exactly."""
    offsets = []
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t bytes_count = records.shape[0]
    cdef uint32_t record_bytes
    while at < bytes_count:
        offsets.append(at)
        record_bytes = 0
        if at + 4 <= bytes_count:
            record_bytes = records[at + 2] | <uint32_t>records[at + 3] << 8
        if (record_bytes < COMMAND_HEADER_BYTES or record_bytes % 8
                or at + record_bytes > bytes_count):
            raise ValueError(f"offset {at}: found record_bytes {record_bytes}, expected a multiple "
                             f"of 8 from {COMMAND_HEADER_BYTES} up to the end of the buffer")
        at += record_bytes
    offsets.append(at)
    return np.array(offsets, dtype=np.uint64)


cdef class MatchingEngine:
    """Books, sessions and counters, changed by commands only. Not thread-safe.

    A command is one record of docs/WIRE.md; what it does is in docs/MATCHING_RULES.md.
    """

    def __cinit__(self, uint32_t instruments_max, uint32_t sessions_max, uint32_t orders_max,
                  uint32_t user_ref_bits):
        cdef EngineLimits limits
        limits.instruments_max = instruments_max
        limits.sessions_max = sessions_max
        limits.orders_max = orders_max
        limits.user_ref_bits = user_ref_bits
        self.engine = engine_create(&limits)
        if self.engine != NULL:
            return
        if errno == ENOMEM:
            raise MemoryError("the host refuses the address space for these limits")
        raise ValueError(f"limits out of range: instruments_max {instruments_max}, sessions_max "
                         f"{sessions_max}, orders_max {orders_max}, user_ref_bits {user_ref_bits}")

    def __dealloc__(self):
        engine_destroy(self.engine)

    def apply(self, const unsigned char[::1] command):
        """Apply one command: (status, events), events in EVENT_DTYPE."""
        iron_static_assert(COMMAND_WORDS_MAX * 8 == COMMAND_BYTES_MAX)
        cdef uint64_t aligned[COMMAND_WORDS_MAX]
        cdef uint8_t* record = <uint8_t*>aligned
        cdef uint32_t command_bytes = <uint32_t>command.shape[0]
        if command_bytes > COMMAND_BYTES_MAX:
            return STATUS_MALFORMED, np.empty(0, EVENT_DTYPE)
        if command_bytes:
            memcpy(record, &command[0], command_bytes)
        cdef int status = engine_apply(self.engine, record, command_bytes)
        events = (<const char*>self.engine.events)[:self.engine.events_count * EVENT_BYTES]
        return status, np.frombuffer(events, EVENT_DTYPE)

    def apply_batch(self, records, prefetch=None, stamp=False):
        """Apply the records of a buffer, one after the other, with the GIL released.

        Returns (statuses uint8[n], events_counts uint32[n], events EVENT_DTYPE[sum]). prefetch says
        whether to touch memory ahead, "books" that of books as well; None: what pays. stamp: fill
        the instruments of rule 8.6 into the buffer given, which has to be writable.
        ValueError when the buffer is not a whole number of records: nothing is applied then.
        """
        given = np.frombuffer(records, np.uint8)
        working = given.copy()
        offsets = record_offsets(working)
        count = len(offsets) - 1
        statuses = np.empty(count, np.uint8)
        events_counts = np.empty(count, np.uint32)
        events = np.empty((4 * count + 64) * EVENT_BYTES, np.uint8)
        cdef unsigned char[::1] working_view = working
        cdef uint64_t[::1] offsets_view = offsets
        cdef unsigned char[::1] statuses_view = statuses
        cdef uint32_t[::1] counts_view = events_counts
        cdef unsigned char[::1] events_view = events
        cdef Batch batch
        cdef int status = STATUS_FULL
        if count == 0:
            return statuses, events_counts, np.empty(0, EVENT_DTYPE)
        batch.records = &working_view[0]
        batch.offsets = &offsets_view[0]
        batch.count = count
        batch.applied = 0
        batch.statuses = &statuses_view[0]
        batch.events_counts = &counts_view[0]
        batch.events_count = 0
        batch.prefetch_orders_min = PREFETCH_ORDERS_MIN
        if prefetch is not None:
            batch.prefetch_orders_min = 0 if prefetch else PREFETCH_NEVER
        if prefetch == "books":
            batch.prefetch_orders_min = PREFETCH_BOOKS
        while status == STATUS_FULL:
            batch.events = <Event*>&events_view[0]
            batch.events_max = events.size // EVENT_BYTES
            with nogil:
                status = batch_apply(self.engine, &batch)
            if status == STATUS_FULL:
                more = events.size + self.engine.events_count * EVENT_BYTES
                events = np.concatenate([events, np.empty(more, np.uint8)])
                events_view = events
        if stamp:
            given[:] = working
        return statuses, events_counts, events[:batch.events_count * EVENT_BYTES].view(EVENT_DTYPE)

    cdef PriceLevels* _side(self, uint32_t instrument, bint sell) except NULL:
        if instrument >= self.engine.books_count:
            raise IndexError(f"instrument {instrument}: expected one of "
                             f"{self.engine.books_count} from 0")
        return &self.engine.books[instrument].sides[1 if sell else 0]

    def depth(self, uint32_t instrument, side, uint32_t levels_max=10):
        """The best levels of side "B" or "S" of the visible book, best first: LEVEL_DTYPE[at most
        levels_max]."""
        cdef PriceLevels* levels = self._side(instrument, is_sell(side))
        cdef uint32_t count = min(levels_max, levels.levels)
        cdef uint32_t unit = levels.best_level
        cdef LevelRow row
        rows = bytearray()
        for _ in range(count):
            row.price = levels_price(levels, level_key(&self.engine.arena, unit))
            row.orders = level_orders(&self.engine.arena, unit)
            row.quantity = level_displayed(&self.engine.arena, unit)
            rows += (<const char*>&row)[:sizeof(LevelRow)]
            unit = levels_next(&self.engine.arena, levels, unit)
        return np.frombuffer(rows, LEVEL_DTYPE)

    def decimals(self, uint32_t instrument):
        """How many decimals the instrument's prices and its quantities have."""
        self._side(instrument, False)
        return (self.engine.books[instrument].price_decimals,
                self.engine.books[instrument].quantity_decimals)

    def orders(self, uint32_t instrument, side):
        """The live orders of side "B" or "S": ORDER_DTYPE[n], by place and in each by priority.

        place is 0 for displayed orders, 1 hidden, 2 dormant stops, 3 and 4 limit and market orders
        that wait for their auction, 5 pegs without a price.
        """
        self._side(instrument, is_sell(side))
        return np.frombuffer(orders_of(self.engine, instrument, is_sell(side)), ORDER_DTYPE)

    def digest(self):
        """SHA-256 of all that decides what the core will do: equal for equal states, whatever the
        commands and the memory layout that led there."""
        return hashlib.sha256(state_of(self.engine)).hexdigest()

    def check_invariants(self):
        """AssertionError with the name of the first broken invariant. Walks all there is."""
        cdef const char* broken
        with nogil:
            broken = engine_broken_invariant(self.engine)
        if broken != NULL:
            raise AssertionError(broken.decode())

    def make_resident(self):
        """Have the price levels that the books will take next in memory, on a thread that is not
        the one that applies commands: the bytes looked after. To be called a few times a second."""
        cdef uint64_t made
        with nogil:
            made = arena_keep_ahead(&self.engine.arena, &self.ahead)
        return made

    @property
    def memory(self):
        """The bytes of address space that its tables have, and how many of them are in memory."""
        cdef EngineMemory found
        with nogil:
            found = engine_memory(self.engine)
        return found

    @property
    def pointer(self):
        """Address of the core's Engine (engine.pxd), valid as long as this object lives."""
        return <uintptr_t>self.engine

    @property
    def symbols(self):
        """The instruments' symbols, without padding, by instrument id."""
        cdef uint32_t index
        return [self.engine.books[index].symbol[:8].decode("ascii").rstrip()
                for index in range(self.engine.books_count)]

    @property
    def limits(self):
        """The limits that it was made with."""
        return dict(self.engine.limits)

    @property
    def dry_run_steps(self):
        """How many orders or levels the last command has counted (rules 10.9 and 14.10)."""
        return self.engine.dry_run_steps

    @property
    def dry_run_steps_max(self):
        """How many it may. The rules know one number only: another one is for tests."""
        return self.engine.dry_run_steps_max

    @dry_run_steps_max.setter
    def dry_run_steps_max(self, uint32_t steps):
        self.engine.dry_run_steps_max = steps

    @property
    def allocation_orders_max(self):
        """How many orders share at one price (rule 19.2); another number is for tests as well."""
        return self.engine.allocation_orders_max

    @allocation_orders_max.setter
    def allocation_orders_max(self, uint32_t orders):
        if not 1 <= orders <= ALLOCATION_ORDERS_MAX:
            raise ValueError(f"allocation_orders_max: found {orders}, expected 1 to "
                             f"{ALLOCATION_ORDERS_MAX}")
        self.engine.allocation_orders_max = orders

    @property
    def works_waiting(self):
        """How many commands wait for CONTINUE (rule 18.3)."""
        return self.engine.works_count

    @property
    def steps_are_left(self):
        """Whether CONTINUE has anything to do: a command waits, or a book is busy (18.9)."""
        return steps_are_left(self.engine)

    @property
    def step_actions(self):
        """How many actions the last step has counted (rule 18.2)."""
        return self.engine.step_actions

    @property
    def counters(self):
        """What is in use now, and the highest numbers given out."""
        cdef Engine* engine = self.engine
        return {
            "instruments": engine.books_count,
            "sessions": engine.sessions_count,
            "orders_live": engine.arena.orders_live,
            "order_ref_last": engine.order_ref_last,
            "match_number_last": engine.match_number_last,
            "level_pages": (engine.arena.page_pool.fresh + 1 - engine.arena.page_first
                            - engine.arena.page_pool.free_count),
            "price_nodes": engine.arena.node_pool.fresh - engine.arena.node_pool.free_count,
        }


def is_sell(side):
    """True for "S", False for "B"; ValueError otherwise."""
    if side not in ("B", "S"):
        raise ValueError(f"side: found {side!r}, expected 'B' or 'S'")
    return side == "S"
