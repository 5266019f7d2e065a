"""Measures the matching core alone: from a command record in memory to its events in memory.

Not in it: sockets, rings, stamping. The floor printed beside it does the least that any engine
could with the same records: read each one's header and store one event.
"""

import hashlib

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.book.batch cimport (
    PREFETCH_DISTANCE, PREFETCH_NEVER, PREFETCH_ORDERS_MIN,
)
from ironcore.book.engine cimport (
    engine_apply, engine_prefetch_level, engine_prefetch_order, engine_prefetch_slot,
)
from ironcore.book.matching_engine cimport MatchingEngine
from ironcore.wire.record cimport EVENT_EXECUTED, CommandHeader, Event

from ironcore.base.clock import clock_report
from ironcore.book.matching_engine import record_offsets


cdef enum:
    SINK_EVENTS = 65536              # 2 MiB, about what an event ring keeps cached

cdef extern from "<time.h>" nogil:
    enum:
        CLOCK_THREAD_CPUTIME_ID

cdef extern from "iron_clock.h" nogil:
    uint64_t iron_clock_ns(int clock_id)

cdef extern from *:
    """
    #define LATENCY_NS_MAX UINT32_MAX
    """
    const uint64_t LATENCY_NS_MAX

PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "p99_99": 99.99, "max": 100}


cdef inline void _sink(Run* run) noexcept nogil:
    """Copy the events out, as the matcher does into the event stream."""
    cdef uint32_t index
    for index in range(run.engine.events_count):
        run.sink[run.sink_at & run.sink_mask] = run.engine.events[index]
        run.sink_at += 1


cdef inline void _apply(Run* run, uint64_t index) noexcept nogil:
    engine_apply(run.engine, run.records + run.offsets[index],
                 <uint32_t>(run.offsets[index + 1] - run.offsets[index]))
    _sink(run)


cdef inline const uint8_t* _waiting(const Run* run, uint64_t index) noexcept nogil:
    return run.records + run.offsets[min(index, run.count - 1)]


cdef inline void _touch_ahead(const Run* run, uint64_t index) noexcept nogil:
    if run.engine.arena.orders_live < run.prefetch_orders_min:
        return
    engine_prefetch_slot(run.engine, _waiting(run, index + 3 * PREFETCH_DISTANCE))
    engine_prefetch_order(run.engine, _waiting(run, index + 2 * PREFETCH_DISTANCE))
    engine_prefetch_level(run.engine, _waiting(run, index + PREFETCH_DISTANCE))


cdef void _define(Run* run) noexcept nogil:
    cdef uint64_t index
    for index in range(run.first):
        _apply(run, index)


cdef void _run(Run* run) noexcept nogil:
    """Every message, one after the other."""
    cdef uint64_t index
    for index in range(run.first, run.count):
        _touch_ahead(run, index)
        _apply(run, index)


cdef void _run_timed(Run* run) noexcept nogil:
    """The same with the clock read between messages: each latency contains one reading."""
    cdef uint64_t index, now_ns
    cdef uint64_t before_ns = iron_clock_mono_ns()
    for index in range(run.first, run.count):
        _touch_ahead(run, index)
        _apply(run, index)
        now_ns = iron_clock_mono_ns()
        run.latencies_ns[index - run.first] = <uint32_t>min(now_ns - before_ns, LATENCY_NS_MAX)
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
        event.price_e4 = header.instrument
        event.slot = header.session ^ header.user_ref
        run.sink_at += 1


class _Loops:
    """The workload's memory, and one fresh core for each run over it."""

    def __init__(self, workload):
        self.workload = workload
        self.records = np.array(workload.records)
        self.offsets = record_offsets(self.records)
        self.messages = len(self.offsets) - 1 - workload.opening
        self.sink = np.zeros(SINK_EVENTS * sizeof(Event), np.uint8)
        self.latencies_ns = np.zeros(self.messages, np.uint32)

    def run(self, what, prefetch=False):
        """Run "floor", "apply", or "timed", which fills latencies_ns: (nanoseconds that passed,
        nanoseconds for which the thread ran) for all messages."""
        cdef MatchingEngine core = MatchingEngine(**self.workload.limits)
        cdef uint8_t[::1] records = self.records
        cdef uint64_t[::1] offsets = self.offsets
        cdef uint8_t[::1] sink = self.sink
        cdef uint32_t[::1] latencies_ns = self.latencies_ns
        cdef Run run
        cdef uint64_t wall_ns, cpu_ns
        cdef bint floor = what == "floor"
        cdef bint timed = what == "timed"
        run.engine = core.engine
        run.records = &records[0]
        run.offsets = &offsets[0]
        run.first = self.workload.opening
        run.count = len(self.offsets) - 1
        run.prefetch_orders_min = PREFETCH_ORDERS_MIN if prefetch else PREFETCH_NEVER
        run.sink = <Event*>&sink[0]
        run.sink_mask = SINK_EVENTS - 1
        run.sink_at = 0
        run.latencies_ns = &latencies_ns[0]
        with nogil:
            _define(&run)
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID)
            wall_ns = iron_clock_mono_ns()
            if floor:
                _run_floor(&run)
            elif timed:
                _run_timed(&run)
            else:
                _run(&run)
            wall_ns = iron_clock_mono_ns() - wall_ns
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns
        return wall_ns, cpu_ns


def _rate(elapsed_ns, messages):
    """The median run, and the slowest and the fastest beside it. cpu_ns_per_message leaves out what
    the thread waited for a core: on a busy host this is the figure to look at."""
    per_message, cpu_per_message = np.array(elapsed_ns, np.float64).T / messages
    median = float(np.median(per_message))
    return {
        "cpu_ns_per_message": round(float(np.median(cpu_per_message)), 2),
        "ns_per_message": round(median, 2),
        "ns_per_message_min": round(float(per_message.min()), 2),
        "ns_per_message_max": round(float(per_message.max()), 2),
        "messages_per_s": round(1e9 / median),
    }


def _percentiles(latencies_ns):
    ranked = np.quantile(latencies_ns, np.array(list(PERCENTILES.values())) / 100,
                         method="inverted_cdf")
    return {name: int(value) for name, value in zip(PERCENTILES, ranked)}


def _outcome(workload):
    """What the workload causes, apart from any timing: equal on every host."""
    core = MatchingEngine(**workload.limits)
    statuses, _, events = core.apply_batch(workload.records)
    kinds = np.bincount(events["type"], minlength=256)
    return {
        "ignored": int(np.count_nonzero(statuses)),
        "events": len(events),
        "executions": int(kinds[EVENT_EXECUTED]),
        "events_digest": hashlib.sha256(events.tobytes()).hexdigest(),
        "orders_live_end": core.counters["orders_live"],
    }


def measure(workload, repeats=5):
    """Measure one workload; the ways of running it take turns, so that all see the same host.

    one_at_a_time: each message when its turn comes, nothing known of the next. queued: later
    messages are waiting, and on a large book their memory is touched ahead. latency_ns of both
    contain one clock reading (clock_ns). floor: see the module. All start from an empty book.
    """
    loops = _Loops(workload)
    runs = {"floor": [], "one_at_a_time": [], "queued": []}
    latencies = {}
    loops.run("apply")
    for _ in range(repeats):
        runs["floor"].append(loops.run("floor"))
        runs["one_at_a_time"].append(loops.run("apply"))
        runs["queued"].append(loops.run("apply", prefetch=True))
    for name in ("one_at_a_time", "queued"):
        loops.run("timed", prefetch=name == "queued")
        latencies[name] = _percentiles(loops.latencies_ns)
    result = {
        "workload": workload.name,
        "measured": "command record in memory to events in memory, one thread",
        "messages": loops.messages,
        **_outcome(workload),
        "clock_ns": clock_report().mono_cost_ns,
    }
    for name, elapsed_ns in runs.items():
        result[name] = _rate(elapsed_ns, loops.messages)
        if name != "floor":
            result[name]["ratio_to_floor"] = round(
                result[name]["cpu_ns_per_message"] / result["floor"]["cpu_ns_per_message"], 1)
            result[name]["latency_ns"] = latencies[name]
    return result
