"""`ironpit bench match`: the matching core alone, from a command in memory to its events in memory.

Two ways of running each workload, in turn with a floor: one message at a time, and queued, where
on a large book the messages that wait have their memory touched ahead. The floor reads each
record's header and stores one event: the least that any engine could do with them.
"""

from dataclasses import dataclass
from typing import Any

from ironcore.runtime.bench_match import PERCENTILES, measure
from ironcore.runtime.match_workloads import Workload, from_operations
from ironpit.cli.output import show_count, table
from ironpit.flow import Flow, from_itch, generate

WAYS = ("floor", "one_at_a_time", "queued")


@dataclass(frozen=True)
class Plan:
    """What to measure, and how often."""

    messages: int = 500_000
    sessions: int = 4
    seed: int = 1
    rounds: int = 9
    orders: str = ""  # an ITCH 5.0 file, replayed as its members' orders


def _workload(name: str, flow: Flow) -> Workload:
    ticks = [flow.tick_size_e4(symbol) for symbol in range(len(flow.symbols))]
    return from_operations(name, flow.operations, flow.sessions_count, ticks)


def run(plan: Plan) -> dict[str, Any]:
    """The report: one entry a workload."""
    generated = generate(plan.sessions, plan.messages, plan.seed)
    workloads = [_workload(f"generated flow, seed {plan.seed}", generated)]
    if plan.orders:
        workloads.append(_workload(plan.orders, from_itch(plan.orders, plan.sessions)))
    return {
        "schema": "ironpit-bench-match-1",
        "measured": "from a command record in memory to its events in memory, one thread",
        "rounds": plan.rounds,
        "workloads": [measure(workload, plan.rounds) for workload in workloads],
    }


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds."""
    lines = []
    for found in report["workloads"]:
        rows = []
        for way in WAYS:
            rate = found[way]
            latency_ns = rate.get("latency_ns", {})
            rows.append(
                [
                    way.replace("_", " "),
                    show_count(rate["messages_per_s"]),
                    f"{rate['cpu_ns_per_message']:.1f}",
                    f"{rate['ns_per_message']:.1f}",
                    f"{rate['ns_per_message_min']:.1f} to {rate['ns_per_message_max']:.1f}",
                    f"{rate.get('ratio_to_floor', 1.0):.1f}",
                    *[str(latency_ns.get(name, "")) for name in PERCENTILES],
                ]
            )
        header = ["", "messages/s", "CPU ns/message", "ns/message", "over the rounds", "x floor"]
        header += [f"{name.replace('_', '.')} ns" for name in PERCENTILES]
        lines += [
            f"{found['workload']}: {found['messages']} messages, {found['executions']} executions,"
            f" {found['ignored']} ignored, events {found['events_digest'][:16]}",
            table(rows, header),
            f"percentiles contain one reading of the clock, {found['clock_ns']} ns",
            "",
        ]
    return "\n".join([*lines, report["measured"]])
