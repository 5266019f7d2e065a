"""`ironpit bench match`: the matching core alone, from a command in memory to its events in memory.

Two ways of running each workload, in turn with a floor: queued, where the messages that wait may
have their memory touched ahead, and one at a time, where a message is read only when the one
before it is done. The floor reads each record's header and stores one event: the least that any
engine could do with them. With --compare every peer runs the same workload in the same rounds.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironcore.bench.books import BookLoops
from ironcore.bench.match import FLOOR, Loops, Took, clock_ns, outcome
from ironpit.bench import plans
from ironpit.bench.peer import (
    ONE_AT_A_TIME,
    ONE_AT_A_TIME_TIMED,
    QUEUED,
    QUEUED_TIMED,
    Answer,
    Peer,
)
from ironpit.bench.rounds import PERCENTILES, WAYS, Contestant, Series, compare, take_turns
from ironpit.bench.workloads import (
    ITCH_BOOKS,
    ITCH_ORDERS,
    NAMES,
    Subject,
    chosen,
    no_day,
    recorded,
    subjects,
)
from ironpit.common.output import show_count, table

_PEER_WAYS = {
    ("queued", False): QUEUED,
    ("queued", True): QUEUED_TIMED,
    ("one_at_a_time", False): ONE_AT_A_TIME,
    ("one_at_a_time", True): ONE_AT_A_TIME_TIMED,
}
_AGREED = {
    "executions": "executions",
    "executed_quantity": "executed_quantity",
    "orders_live": "orders_live_end",
}


@dataclass(frozen=True)
class Plan:
    """What to measure, and how often."""

    messages: int = plans.number(1_000_000, "messages of each generated workload")
    sessions: int = plans.number(4, "members that send the messages", highest=plans.SESSIONS_MAX)
    seed: int = plans.number(1, "seed of the random numbers", lowest=0, highest=plans.SEED_MAX)
    rounds: int = plans.rounds(5)
    workloads: str = plans.word("", f"some of {','.join(NAMES)} (default: all)", "NAMES")
    orders: str = plans.word("", "an ITCH 5.0 file, replayed as its members' orders", "FILE")
    compare: tuple[str, ...] = plans.several(
        "a command that runs another engine beside ours, by the protocol of docs/COMPARE.md "
        "(repeatable)",
        "COMMAND",
    )


class _Running:
    """A peer as a contestant, with what it said last."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.answer: Answer | None = None

    def run(self, way: str, timed: bool = False) -> Took:
        self.answer = self.peer.run(_PEER_WAYS[way, timed])
        found = self.answer
        return Took(found.elapsed_ns, found.cpu_ns, 0, found.memory_bytes, found.latencies)


def _beside(
    ours: dict[str, Series],
    theirs: dict[str, Series] | str,
    running: _Running,
    caused: dict[str, Any],
) -> dict[str, Any]:
    """What one peer took, whether it did the same work, or why it failed."""
    found: dict[str, Any] = {"peer": running.peer.name, "command": running.peer.command}
    if isinstance(theirs, str):
        return {**found, "failed": theirs}
    said = {name: getattr(running.answer, name) for name in _AGREED}
    found["agrees"] = all(said[name] == caused[own] for name, own in _AGREED.items())
    found |= said
    for way in WAYS:
        found[way] = {**theirs[way].report(), **compare(ours[way], theirs[way])}
    return found


def _measure(
    loops: Loops | BookLoops, running: Sequence[_Running], rounds: int, caused: dict[str, Any]
) -> dict[str, Any]:
    contestants: list[tuple[Contestant, Sequence[str]]] = [(loops, (FLOOR, *WAYS))]
    contestants += [(one, WAYS) for one in running]
    ours, *others = take_turns(contestants, loops.messages, rounds)
    assert not isinstance(ours, str)
    found: dict[str, Any] = {**caused, "floor": ours[FLOOR].report()}
    floor = found["floor"]["cpu_ns_per_message"]
    for way in WAYS:
        found[way] = ours[way].report()
        found[way]["ratio_to_floor"] = round(found[way]["cpu_ns_per_message"] / floor, 1)
    found["peers"] = [
        _beside(ours, series, one, caused) for one, series in zip(running, others, strict=True)
    ]
    return found


def _measure_orders(subject: Subject, commands: Sequence[str], rounds: int) -> dict[str, Any]:
    loops = Loops(subject.workload)
    market = subject.market
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(command)) for command in commands]
        running = [
            _Running(peer)
            for peer in peers
            if peer.load_orders(market.flow, market.opening, subject.orders_max)
        ]
        return {
            "workload": subject.workload.name,
            "messages": loops.messages,
            "instruments": len(market.flow.symbols),
            "opening_messages": market.opening,
            **_measure(loops, running, rounds, outcome(subject.workload)),
        }


def _book_loops(file: str) -> BookLoops:
    try:
        return BookLoops(Path(file).read_bytes())
    except (ValueError, OSError) as error:
        raise no_day(file, error) from error


def _measure_books(
    loops: BookLoops, file: str, commands: Sequence[str], rounds: int
) -> dict[str, Any]:
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(command)) for command in commands]
        running = [_Running(peer) for peer in peers if peer.load_itch(loops.file)]
        return {
            "workload": f"{ITCH_BOOKS} {Path(file).name}",
            "messages": loops.messages,
            "instruments": loops.locates,
            "opening_messages": 0,
            **_measure(loops, running, rounds, loops.outcome()),
        }


def run(plan: Plan) -> dict[str, Any]:
    """The report: one entry a workload. Peers are started anew for each."""
    names = chosen(plan.workloads, bool(plan.orders), plan.messages)
    # A file that is none is told at once, not after minutes.
    day = recorded(plan.orders, plan.sessions) if ITCH_ORDERS in names else None
    books = _book_loops(plan.orders) if ITCH_BOOKS in names else None
    found = [
        _measure_orders(subject, plan.compare, plan.rounds)
        for subject in subjects(names, plan.sessions, plan.messages, plan.seed, day)
    ]
    if books is not None:
        found.append(_measure_books(books, plan.orders, plan.compare, plan.rounds))
    return {
        "schema": "ironpit-bench-match-2",
        "measured": "from a message in memory to its events or books in memory, one thread",
        "rounds": plan.rounds,
        "seed": plan.seed,
        "clock_ns": clock_ns(),
        "workloads": found,
    }


def _row(name: str, rate: dict[str, Any], last: str) -> list[str]:
    latency_ns = rate.get("latency_ns", {})
    return [
        name,
        show_count(rate["messages_per_s"]),
        f"{rate['cpu_ns_per_message']:.1f}",
        f"{rate['ns_per_message']:.1f}",
        f"{rate['ns_per_message_min']:.1f} to {rate['ns_per_message_max']:.1f}",
        *[str(latency_ns.get(percentile, "")) for percentile in PERCENTILES],
        f"{rate['memory_bytes'] / 1e6:.0f}" if "memory_bytes" in rate else "",
        last,
    ]


def _rows(found: dict[str, Any]) -> list[list[str]]:
    rows = [_row(FLOOR, found[FLOOR], "")]
    for way in WAYS:
        ratio = f"{found[way]['ratio_to_floor']:.1f} x floor"
        rows.append(_row(way.replace("_", " "), found[way], ratio))
    for peer in found["peers"]:
        for way in () if "failed" in peer else WAYS:
            rate = peer[way]
            ratio = (
                f"{rate['times_as_fast']:.2f} x ours"
                f" ({rate['times_as_fast_min']:.2f} to {rate['times_as_fast_max']:.2f},"
                f" best {rate['times_as_fast_at_best']:.2f})"
            )
            rows.append(_row(f"{peer['peer']}, {way.replace('_', ' ')}", rate, ratio))
    return rows


def _remark(peer: dict[str, Any]) -> str:
    if "failed" in peer:
        return f"{peer['peer']} failed: {peer['failed']}"
    return (
        f"{peer['peer']} did other work: {peer['executions']:,} executions of"
        f" {peer['executed_quantity']:,}, {peer['orders_live']:,} orders at the end"
    )


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds."""
    header = ["", "messages/s", "CPU ns/message", "ns/message", "over the rounds"]
    header += [f"{name.replace('_', '.')} ns" for name in PERCENTILES] + ["MB", "ns/message are"]
    lines = []
    for found in report["workloads"]:
        lines += [
            f"{found['workload']}: {found['messages']:,} messages, {found['executions']:,}"
            f" executions, {found['ignored']:,} ignored, {found['orders_live_end']:,} orders at the"
            f" end, events {found['events_digest'][:16]}",
            table(_rows(found), header),
        ]
        lines += [_remark(peer) for peer in found["peers"] if not peer.get("agrees")]
        lines.append("")
    return "\n".join(
        [
            *lines,
            f"{report['measured']}; {report['rounds']} rounds in turn; percentiles contain one"
            f" reading of the clock, {report['clock_ns']} ns",
        ]
    )
