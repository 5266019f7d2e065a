"""The rate of the matching core for a program in C, over records that are ready."""

import hashlib

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_OK
from ironcore.engine.batch cimport PREFETCH_ORDERS_MIN, Batch, batch_apply
from ironcore.engine.engine cimport Engine
from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.bench.match cimport CLOCK_THREAD_CPUTIME_ID, iron_clock_ns
from ironcore.wire.record cimport Event

from ironcore.library.command_rows import rows_to_records
from ironcore.engine.matching_engine import record_offsets
from ironcore.bench.match import Took


cdef bint _submit(Engine* engine, Batch* all_of_them, uint64_t* events_count) noexcept nogil:
    """Every command, so many at a time; false when events did not fit the array."""
    cdef Batch batch = all_of_them[0]
    cdef uint64_t left = all_of_them.count
    batch.applied = 0
    while left:
        batch.count = min(left, <uint64_t>SUBMIT_COMMANDS)
        batch.applied = 0
        batch.events_count = 0
        if batch_apply(engine, &batch) != STATUS_OK:
            return False
        events_count[0] += batch.events_count
        batch.offsets += batch.count
        batch.statuses += batch.count
        batch.events_counts += batch.count
        left -= batch.count
    return True


class SubmitLoop:
    """Records of these rows (COMMAND_DTYPE[n]), and the loop over them."""

    def __init__(self, rows):
        self.records = np.frombuffer(bytearray(rows_to_records(rows)), np.uint8)
        self.offsets = record_offsets(self.records)
        self.messages = len(rows)
        self.statuses = np.zeros(len(rows), np.uint8)
        self.counts = np.zeros(len(rows), np.uint32)
        self.events = np.zeros(SUBMIT_EVENTS * sizeof(Event), np.uint8)

    def run(self, core):
        """All records once, into a core in the state from which they follow."""
        cdef MatchingEngine matching = core
        cdef uint8_t[::1] records = self.records
        cdef const uint64_t[::1] offsets = self.offsets
        cdef uint8_t[::1] statuses = self.statuses
        cdef uint32_t[::1] counts = self.counts
        cdef uint8_t[::1] events = self.events
        cdef Batch batch
        cdef uint64_t elapsed_ns, cpu_ns
        cdef uint64_t events_count = 0
        cdef bint fitted
        batch.records = &records[0]
        batch.offsets = &offsets[0]
        batch.count = self.messages
        batch.statuses = &statuses[0]
        batch.events_counts = &counts[0]
        batch.events = <Event*>&events[0]
        batch.events_max = SUBMIT_EVENTS
        batch.prefetch_orders_min = PREFETCH_ORDERS_MIN
        with nogil:
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID)
            elapsed_ns = iron_clock_mono_ns()
            fitted = _submit(matching.engine, &batch, &events_count)
            elapsed_ns = iron_clock_mono_ns() - elapsed_ns
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns
        if not fitted:
            raise ValueError(f"found more than {SUBMIT_EVENTS} events of {SUBMIT_COMMANDS} "
                             "commands, expected a workload of ordinary orders")
        return Took(elapsed_ns, cpu_ns, events_count, 0, None)

    def events_digest(self, core):
        """SHA-256 of all events, untimed."""
        return hashlib.sha256(core.apply_batch(self.records)[2].tobytes()).hexdigest()
