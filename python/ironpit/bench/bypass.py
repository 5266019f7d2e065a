"""`ironpit bench bypass`: order to acknowledgement with a kernel bypass preloaded, beside kernel
sockets.

Two venues with a member each, gateway and matcher spinning on cores of their own; one of the two,
venue and member, runs under the preloaded library. They take turns on the same cores: the one that
is not measured is stopped.
"""

import os
from dataclasses import dataclass
from typing import Any

from ironpit.bench import plans
from ironpit.bench.bypass_ends import USER_REFS_MAX, Course
from ironpit.bench.order_ack import QUANTILES
from ironpit.bench.spread import spread
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_ns, table

WARM_UP_MAX = 2_000
CORES = 4


@dataclass(frozen=True)
class Plan:
    """How often, with what preloaded, and where."""

    orders: int = plans.number(20_000, "orders in each round", highest=1 << 20)
    rounds: int = plans.rounds(7)
    preload: str = plans.word("", "the kernel bypass to preload", "LIBRARY")
    member_cpu: int = plans.cpu(0, "the member")
    gateway_cpu: int = plans.cpu(1, "the gateway")
    matcher_cpu: int = plans.cpu(2, "the matcher")


def run(plan: Plan) -> dict[str, Any]:
    """The report. UserError without a library, or when there are more orders than references."""
    if not plan.preload:
        raise UserError("--preload: found none, expected the library to measure", Exit.USAGE)
    most = USER_REFS_MAX // plan.rounds - WARM_UP_MAX - 1
    if plan.orders > most:
        raise UserError(
            f"--orders: found {plan.orders}, expected at most {most} in {plan.rounds} rounds",
            Exit.USAGE,
        )
    cores = len(os.sched_getaffinity(0))
    notes = [] if cores >= CORES else [f"{cores} cores, {CORES} wanted: these are no latencies"]
    notes.append(f"{cores} cores, shared with whatever else runs on this host")
    cpus = {
        "member_cpu": plan.member_cpu,
        "gateway_cpu": plan.gateway_cpu,
        "matcher_cpu": plan.matcher_cpu,
    }
    found: dict[str, list[dict[str, int]]] = {"kernel": [], "preloaded": []}
    with Course("", **cpus) as kernel:
        kernel.pause()
        with Course(plan.preload, **cpus) as preloaded:
            preloaded.pause()
            for _ in range(plan.rounds):
                for name, course in (("kernel", kernel), ("preloaded", preloaded)):
                    course.resume()
                    course.orders(min(WARM_UP_MAX, plan.orders))
                    found[name].append(course.orders(plan.orders))
                    course.pause()
    pairs = list(zip(found["kernel"], found["preloaded"], strict=True))
    return {
        "schema": "ironpit-bench-bypass-1",
        "measured": "from before the write of an Enter Order to after the read of its Order "
        "Accepted, one order at a time, member, gateway and matcher spinning",
        "orders": plan.orders,
        "rounds": plan.rounds,
        "preload": plan.preload,
        "cpus": cpus,
        "order_to_ack_ns": {
            name: {q: spread([float(r[q]) for r in rounds]) for q in QUANTILES}
            for name, rounds in found.items()
        },
        "ratio": {q: spread([k[q] / p[q] for k, p in pairs]) for q in QUANTILES},
        "notes": notes,
    }


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds, and their range."""

    def shown(values: dict[str, float]) -> str:
        low, middle, high = (show_ns(round(values[key])) for key in ("min", "median", "max"))
        return f"{middle} ({low} to {high})"

    figures = report["order_to_ack_ns"]
    rows = []
    for name in QUANTILES:
        ratio = report["ratio"][name]
        rows.append(
            [
                name.replace("_", "."),
                shown(figures["kernel"][name]),
                shown(figures["preloaded"][name]),
                f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})",
            ]
        )
    header = ["", "kernel sockets", "preloaded", "kernel to preloaded"]
    return "\n".join([table(rows, header), report["measured"], *report["notes"]])
