"""Measures the matching core alone: from a command record in memory to its events in memory.

Not in it: sockets, rings, stamping. The floor does the least that any engine could with the same
records: read each one's header and store one event.
"""

import hashlib
from typing import NamedTuple

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_FULL
from ironcore.engine.batch cimport (
    PREFETCH_ORDERS_MIN, Ahead, Batch, BooksAhead, ahead_begin, ahead_step, batch_apply,
    books_ahead_start, books_ahead_step, books_are_many,
)
from ironcore.book.book cimport event_copy
from ironcore.engine.dispatch cimport engine_apply
from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.wire.record cimport EVENT_EXECUTED, CommandHeader, Event

from ironcore.base.clock import clock_report
from ironcore.engine.matching_engine import record_offsets


cdef enum:
    SINK_EVENTS = 65536              # 2 MiB, about what an event ring keeps cached
    OUTCOME_COMMANDS = 65536         # applied at a time

cdef extern from "<unistd.h>" nogil:
    enum:
        _SC_PAGESIZE
    long sysconf(int name)

FLOOR = "floor"
QUEUED = "queued"
ONE_AT_A_TIME = "one_at_a_time"


class Took(NamedTuple):
    """One run. cpu_ns: for how long the thread ran. memory_bytes: what became resident with the
    engine, its start included. latencies: of a timed run how many messages took 0, 1, 2, ... ns,
    the reading of a clock included; the last count is of all that took longer."""

    elapsed_ns: int
    cpu_ns: int
    events: int
    memory_bytes: int
    latencies: object


cdef inline void _apply(Run* run, uint64_t index) noexcept nogil:
    """One message, and its events copied out as the matcher does into the event stream."""
    cdef uint32_t event
    engine_apply(run.engine, run.records + run.offsets[index],
                 <uint32_t>(run.offsets[index + 1] - run.offsets[index]))
    for event in range(run.engine.events_count):
        event_copy(&run.sink[run.sink_at & run.sink_mask], &run.engine.events[event])
        run.sink_at += 1


cdef void _run_queued(Run* run, uint64_t first, uint64_t count) noexcept nogil:
    """Every message, one after the other; later ones are waiting and may be looked at."""
    cdef Batch batch
    batch.records = run.records
    batch.offsets = run.offsets
    batch.count = count
    batch.applied = first
    batch.statuses = run.statuses
    batch.events_counts = run.events_counts
    batch.events = run.sink
    batch.events_count = 0
    batch.events_max = run.sink_mask + 1
    batch.prefetch_orders_min = PREFETCH_ORDERS_MIN
    while batch_apply(run.engine, &batch) == STATUS_FULL:
        run.sink_at += batch.events_count
        batch.events_count = 0
    run.sink_at += batch.events_count


cdef void _run_one_at_a_time(Run* run) noexcept nogil:
    """A message is read only when the one before it is done, as if it had just come in."""
    cdef uint64_t index
    for index in range(run.first, run.count):
        _apply(run, index)
        iron_done_before_next()


cdef void _run_timed(Run* run) noexcept nogil:
    """The clock is read between messages: each latency contains one reading. Where nothing is
    touched ahead this is one at a time, as reading the clock waits for what is in front of it."""
    cdef uint64_t index, now_ns
    cdef uint64_t before_ns = iron_clock_mono_ns()
    cdef Ahead ahead
    cdef BooksAhead books
    cdef bint of_books = run.looks_ahead and books_are_many(run.engine)
    cdef bint of_orders = run.looks_ahead and not of_books
    if of_orders:
        ahead_begin(run.engine, &ahead, run.records, run.offsets, run.first, run.count)
    if of_books:
        books_ahead_start(run.engine, &books, run.records, run.offsets, run.first, run.count)
    for index in range(run.first, run.count):
        if of_orders:
            ahead_step(run.engine, &ahead, run.records, run.offsets, index, run.count)
        if of_books:
            books_ahead_step(run.engine, &books, run.records, run.offsets, index, run.count)
        _apply(run, index)
        now_ns = iron_clock_mono_ns()
        run.latencies_ns[index - run.first] = <uint32_t>min(now_ns - before_ns,
                                                            <uint64_t>LATENCIES - 1)
        before_ns = now_ns


cdef void _run_floor(Run* run) noexcept nogil:
    cdef const CommandHeader* header
    cdef Event* event
    cdef uint64_t index
    for index in range(run.first, run.count):
        header = <const CommandHeader*>(run.records + run.offsets[index])
        event = &run.sink[run.sink_at & run.sink_mask]
        event.type = header.type
        event.flags = header.flags
        event.quantity = header.record_bytes
        event.order_ref = index
        event.other = header.source_sequence
        event.price = header.instrument
        event.slot = header.session ^ header.user_ref
        run.sink_at += 1


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * sysconf(_SC_PAGESIZE)


def clock_ns():
    """What one reading of the clock costs, as it is in every latency."""
    return clock_report().mono_cost_ns


class Loops:
    """The workload's memory, and a fresh core for each run over it."""

    def __init__(self, workload):
        self.workload = workload
        self.records = np.array(workload.records)
        self.offsets = record_offsets(self.records)
        self.messages = len(self.offsets) - 1 - workload.opening
        self.sink = np.zeros(SINK_EVENTS * sizeof(Event), np.uint8)
        self.latencies_ns = np.zeros(self.messages, np.uint32)
        self.statuses = np.zeros(len(self.offsets) - 1, np.uint8)
        self.events_counts = np.zeros(len(self.offsets) - 1, np.uint32)

    def run(self, way, timed=False):
        """All measured messages once, from a fresh venue: way is FLOOR, QUEUED or ONE_AT_A_TIME."""
        resident = resident_bytes()
        cdef MatchingEngine core = MatchingEngine(**self.workload.limits)
        cdef uint8_t[::1] records = self.records
        cdef uint64_t[::1] offsets = self.offsets
        cdef uint8_t[::1] sink = self.sink
        cdef uint32_t[::1] latencies_ns = self.latencies_ns
        cdef uint8_t[::1] statuses = self.statuses
        cdef uint32_t[::1] events_counts = self.events_counts
        cdef Run run
        cdef uint64_t elapsed_ns, cpu_ns, sink_first
        cdef bint floor = way == FLOOR
        cdef bint queued = way == QUEUED
        cdef bint with_clock = timed
        run.engine = core.engine
        run.records = &records[0]
        run.offsets = &offsets[0]
        run.first = self.workload.opening
        run.count = len(self.offsets) - 1
        run.statuses = &statuses[0]
        run.events_counts = &events_counts[0]
        run.looks_ahead = queued
        run.sink = <Event*>&sink[0]
        run.sink_mask = SINK_EVENTS - 1
        run.sink_at = 0
        run.latencies_ns = &latencies_ns[0]
        with nogil:
            _run_queued(&run, 0, run.first)
            sink_first = run.sink_at
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID)
            elapsed_ns = iron_clock_mono_ns()
            if floor:
                _run_floor(&run)
            elif with_clock:
                _run_timed(&run)
            elif queued:
                _run_queued(&run, run.first, run.count)
            else:
                _run_one_at_a_time(&run)
            elapsed_ns = iron_clock_mono_ns() - elapsed_ns
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns
        counts = np.bincount(self.latencies_ns, minlength=LATENCIES) if timed else None
        return Took(elapsed_ns, cpu_ns, run.sink_at - sink_first, resident_bytes() - resident,
                    counts)


def outcome(workload):
    """What the workload causes, apart from any timing: equal on every host, in every run. The
    counts leave out the opening, the digest is of all events."""
    core = MatchingEngine(**workload.limits)
    records = np.array(workload.records)
    offsets = record_offsets(records)
    digest = hashlib.sha256()
    ignored = events_count = executions = executed = 0
    bounds = [*range(workload.opening, len(offsets) - 1, OUTCOME_COMMANDS), len(offsets) - 1]
    first = 0
    for end in bounds:
        statuses, _, events = core.apply_batch(records[int(offsets[first]):int(offsets[end])])
        digest.update(events.tobytes())
        if first >= workload.opening:
            fills = events["quantity"][events["type"] == EVENT_EXECUTED]
            ignored += int(np.count_nonzero(statuses))
            events_count += len(events)
            executions += len(fills)
            executed += int(fills.sum())
        first = end
    return {
        "ignored": ignored,
        "events": events_count,
        "executions": executions,
        "executed_quantity": executed,
        "orders_live_end": core.counters["orders_live"],
        "events_digest": digest.hexdigest(),
    }


def memory_of(workload):
    """MatchingEngine.memory of a core that has applied the workload."""
    core = MatchingEngine(**workload.limits)
    core.apply_batch(np.array(workload.records))
    return core.memory
