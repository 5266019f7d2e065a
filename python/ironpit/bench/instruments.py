"""`ironpit bench instruments`: what a message costs where orders go to one book or to many in turn.

The same flow of orders goes to 1, 100 and 10,000 instruments, drawn at random for each order, with
as many orders at rest before the first measured message. Input is queued: the core may look ahead
over the messages that wait. In each round every number of instruments takes its turn, and its ratio
is that to one instrument in the same round. Beside it is what an instrument that is defined, and
has no order, takes of the core's memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ironcore.bench.match import QUEUED, Loops, clock_ns, memory_of
from ironcore.bench.match_workloads import from_operations
from ironpit.bench import plans
from ironpit.bench.rounds import Series
from ironpit.bench.spread import spread
from ironpit.bench.workloads import subject_of
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_bytes, show_count, table
from ironpit.flow.markets import OPENING_ORDERS, TICK_SIZE, interleaved
from ironpit.flow.operations import OPERATION

RATIO_MAX = 3  # the goal, of the largest number of instruments
IDLE_BYTES_MAX = 1024  # likewise


@dataclass(frozen=True)
class Plan:
    """What to measure, and how often."""

    messages: int = plans.number(500_000, "messages of each flow")
    sessions: int = plans.number(4, "members that send the messages", highest=plans.SESSIONS_MAX)
    seed: int = plans.number(1, "seed of the random numbers", lowest=0, highest=plans.SEED_MAX)
    rounds: int = plans.rounds(9)
    instruments: str = plans.word(
        "1,100,10000", "numbers of instruments; each one's ratio is to the first", "NUMBERS"
    )


def numbers(text: str) -> list[int]:
    """The numbers of instruments, rising. UserError for what is none."""
    found = [int(part) for part in text.split(",") if part.isascii() and part.isdigit()]
    if (
        len(found) != len(text.split(","))
        or found != sorted(set(found))
        or not 1 <= found[0] <= found[-1] <= OPENING_ORDERS // 10
    ):
        raise UserError(
            f"--instruments: found {text!r}, expected rising numbers from 1 to"
            f" {OPENING_ORDERS // 10}, with commas between them",
            Exit.USAGE,
        )
    return found


def idle_memory(instruments: int) -> dict[str, int]:
    """Bytes of a core in which so many instruments are defined, and nothing else is."""
    nothing = np.zeros(0, OPERATION)
    return memory_of(from_operations("idle", nothing, 1, [TICK_SIZE] * instruments, 1 << 18))


def idle_bytes(few: int, many: int) -> dict[str, float]:
    """Bytes for each instrument that the second core has more than the first."""
    before, after = idle_memory(few), idle_memory(many)
    return {name: round((after[name] - before[name]) / (many - few), 1) for name in after}


def _measured(loops: dict[int, Loops], plan: Plan) -> dict[int, Series]:
    """The first round, in which memory is touched for the first time, does not count."""
    found = {count: Series(loops[count].messages) for count in loops}
    for number in range(plan.rounds + 1):
        for count, one in loops.items():
            took = one.run(QUEUED)
            if number:
                found[count].add(took)
    return found


def _ratios(one: list[int], other: list[int]) -> dict[str, float]:
    return spread([own / max(first, 1) for first, own in zip(one, other, strict=True)])


def run(plan: Plan) -> dict[str, Any]:
    """The report: one entry a number of instruments."""
    counts = numbers(plan.instruments)
    flows = {count: interleaved(count, plan.sessions, plan.messages, plan.seed) for count in counts}
    loops = {count: Loops(subject_of(flow).workload) for count, flow in flows.items()}
    series = _measured(loops, plan)
    first = series[counts[0]]
    report: dict[str, Any] = {
        "schema": "ironpit-bench-instruments-1",
        "measured": "from a message in memory to its events in memory, queued, one thread",
        "rounds": plan.rounds,
        "seed": plan.seed,
        "clock_ns": clock_ns(),
        "goals": {"ratio": RATIO_MAX, "idle_bytes": IDLE_BYTES_MAX},
        "instruments": [
            {
                "instruments": count,
                "messages": series[count].messages,
                **series[count].report(),
                "ratio": _ratios(first.elapsed_ns, series[count].elapsed_ns),
                "cpu_ratio": _ratios(first.cpu_ns, series[count].cpu_ns),
            }
            for count in counts
        ],
    }
    if counts[-1] > counts[0]:
        report["idle_instrument"] = idle_bytes(counts[0], counts[-1])
    return report


def _range(found: dict[str, float]) -> str:
    return f"{found['median']:.2f} ({found['min']:.2f} to {found['max']:.2f})"


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds."""
    header = ["instruments", "messages/s", "CPU ns/message", "ns/message", "over the rounds"]
    header += ["ratio", "of CPU time"]
    rows = [
        [
            show_count(found["instruments"]),
            show_count(found["messages_per_s"]),
            f"{found['cpu_ns_per_message']:.1f}",
            f"{found['ns_per_message']:.1f}",
            f"{found['ns_per_message_min']:.1f} to {found['ns_per_message_max']:.1f}",
            _range(found["ratio"]),
            _range(found["cpu_ratio"]),
        ]
        for found in report["instruments"]
    ]
    goals = report["goals"]
    lines = [table(rows, header), f"goal: a ratio of {goals['ratio']} or less"]
    if "idle_instrument" in report:
        idle = report["idle_instrument"]
        lines.append(
            f"an instrument without orders: {show_bytes(round(idle['resident_bytes']))} in memory"
            f" (goal: {show_bytes(goals['idle_bytes'])} or less),"
            f" {show_bytes(round(idle['reserved_bytes']))} of address space"
        )
    return "\n".join([*lines, f"{report['measured']}; {report['rounds']} rounds in turn"])
