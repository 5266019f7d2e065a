"""`ironpit bench library`: the matching core from Python, beside the same core from C.

The same commands in three ways in every round, each time into a fresh copy of the same venue:

    c           the core's own submit loop over records that are ready, 4,096 at a time, their
                events written over those of the batch before
    apply       Venue.apply of one numpy array of all the commands, whose events are a new numpy
                array
    apply_into  the same with the arrays of an earlier result

The ratio is Python's rate to C's in the same round: what making records of the rows, keeping all
events, and the call from Python take away.
"""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ironcore.bench.library import SubmitLoop
from ironcore.bench.match import Took
from ironpit.bench import plans
from ironpit.bench.rounds import Contestant, compare, take_turns
from ironpit.bench.workloads import recorded
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_count, table
from ironpit.flow.chains import chains_of, resting_max
from ironpit.flow.markets import SWINGS, Market, market
from ironpit.library.flows import rows_of, venue_of
from ironpit.library.results import Applied

C, APPLY, APPLY_INTO = "c", "apply", "apply_into"
PYTHON_WAYS = (APPLY, APPLY_INTO)
NAMES = {C: "submit loop in C", APPLY: "Venue.apply", APPLY_INTO: "Venue.apply(into=)"}
ORDERS_SPARE = 64


@dataclass(frozen=True)
class Plan:
    """What to measure, and how often."""

    messages: int = plans.number(1_000_000, "messages of the generated flow")
    sessions: int = plans.number(4, "members that send the messages", highest=plans.SESSIONS_MAX)
    seed: int = plans.number(1, "seed of the random numbers", lowest=0, highest=plans.SEED_MAX)
    rounds: int = plans.rounds(15)
    round_messages: int = plans.number(
        1_000_000, "messages of a round: a shorter flow is run again until they are reached"
    )
    market: str = plans.word(
        "routine", f"the market of the generated flow: {', '.join(SWINGS)}", "NAME"
    )
    orders: str = plans.word("", "an ITCH 5.0 file, replayed as its members' orders", "FILE")


class _Subject:
    """A venue, the commands that follow, and how often a round runs them: a short flow many times,
    as one of 2 ms would be measured mostly by what else the host does."""

    def __init__(self, found: Market, round_messages: int) -> None:
        flow = found.flow
        orders_max = resting_max(flow.operations, chains_of(flow.operations)) + ORDERS_SPARE
        rows = rows_of(flow)
        self.name = found.name
        self.venue = venue_of(flow, orders_max=orders_max)
        self.venue.apply(rows[: found.opening])
        self.rows = rows[found.opening :]
        self.runs = max(1, round_messages // max(len(self.rows), 1))
        self.messages = self.runs * len(self.rows)


class _FromC:
    """The submit loop as a contestant."""

    def __init__(self, subject: _Subject) -> None:
        self.subject = subject
        self.loop = SubmitLoop(subject.rows)

    def run(self, way: str, timed: bool = False) -> Took:
        subject = self.subject
        return _sum(self.loop.run(subject.venue.copy().core) for _ in range(subject.runs))


class _FromPython:
    """Venue.apply as a contestant."""

    def __init__(self, subject: _Subject) -> None:
        self.subject = subject
        self.room: Applied | None = None

    def run(self, way: str, timed: bool = False) -> Took:
        return _sum(self._run_once(way) for _ in range(self.subject.runs))

    def _run_once(self, way: str) -> Took:
        venue = self.subject.venue.copy()
        into = self.room if way == APPLY_INTO else None
        cpu_ns = time.thread_time_ns()
        elapsed_ns = time.perf_counter_ns()
        applied = venue.apply(self.subject.rows, into=into)
        elapsed_ns = time.perf_counter_ns() - elapsed_ns
        cpu_ns = time.thread_time_ns() - cpu_ns
        self.room = applied
        return Took(elapsed_ns, cpu_ns, len(applied.events), 0, None)


def _sum(runs: Iterable[Took]) -> Took:
    took = list(runs)
    return Took(
        sum(one.elapsed_ns for one in took),
        sum(one.cpu_ns for one in took),
        sum(one.events for one in took),
        0,
        None,
    )


def _markets(plan: Plan) -> list[Market]:
    if plan.market not in SWINGS:
        raise UserError(
            f"--market: found {plan.market!r}, expected one of {', '.join(SWINGS)}", Exit.USAGE
        )
    days = [recorded(plan.orders, plan.sessions)] if plan.orders else []
    return [market(plan.market, plan.sessions, plan.messages, plan.seed), *days]


def _caused(subject: _Subject, native: _FromC) -> dict[str, Any]:
    """What the commands cause, which has to be the same from both."""
    events = subject.venue.copy().apply(subject.rows).events
    events_digest = hashlib.sha256(events.tobytes()).hexdigest()
    found = native.loop.events_digest(subject.venue.copy().core)
    if found != events_digest:
        raise RuntimeError(f"found events {found} from C, expected those of Python {events_digest}")
    return {"events": len(events), "events_digest": events_digest}


def _measure(found: Market, plan: Plan) -> dict[str, Any]:
    subject = _Subject(found, plan.round_messages)
    native = _FromC(subject)
    contestants: list[tuple[Contestant, Sequence[str]]] = [
        (native, (C,)),
        (_FromPython(subject), PYTHON_WAYS),
    ]
    report: dict[str, Any] = {
        "workload": subject.name,
        "messages": len(subject.rows),
        "runs_a_round": subject.runs,
        **_caused(subject, native),
    }
    from_c, from_python = take_turns(contestants, subject.messages, plan.rounds)
    assert not isinstance(from_c, str)
    assert not isinstance(from_python, str)
    report[C] = from_c[C].report()
    for way in PYTHON_WAYS:
        rates = compare(from_python[way], from_c[C])
        report[way] = from_python[way].report()
        report[way] |= {
            name.replace("times_as_fast", "rate_to_c"): rate for name, rate in rates.items()
        }
    return report


def run(plan: Plan) -> dict[str, Any]:
    """The report: one entry a workload."""
    return {
        "schema": "ironpit-bench-library-1",
        "measured": "from commands in one array to all their events in another, one thread",
        "rounds": plan.rounds,
        "seed": plan.seed,
        "workloads": [_measure(found, plan) for found in _markets(plan)],
    }


def _row(name: str, rate: dict[str, Any]) -> list[str]:
    ratio = ""
    if "rate_to_c" in rate:
        ratio = (
            f"{rate['rate_to_c']:.2f} ({rate['rate_to_c_min']:.2f} to {rate['rate_to_c_max']:.2f})"
        )
    return [
        name,
        show_count(rate["messages_per_s"]),
        f"{rate['ns_per_message']:.1f}",
        f"{rate['ns_per_message_min']:.1f} to {rate['ns_per_message_max']:.1f}",
        f"{rate['cpu_ns_per_message']:.1f}",
        ratio,
        f"{rate['rate_to_c_by_cpu']:.2f}" if "rate_to_c_by_cpu" in rate else "",
    ]


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds."""
    header = ["", "commands/s", "ns/command", "over the rounds", "CPU ns", "rate to C", "by CPU"]
    lines = []
    for found in report["workloads"]:
        lines += [
            f"{found['workload']}: {found['messages']:,} commands, {found['events']:,} events"
            f" {found['events_digest'][:16]}, {found['runs_a_round']} times a round",
            table([_row(name, found[key]) for key, name in NAMES.items()], header),
            "",
        ]
    return "\n".join([*lines, f"{report['measured']}; {report['rounds']} rounds in turn"])
