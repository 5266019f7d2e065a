"""`ironpit bench transitions`: how often the hot threads enter the kernel while orders flow.

A member sends orders, each after the answer to the one before, to a venue whose gateway and matcher
spin on threads of their own. Counted for each of the two: page faults and context switches by what
the kernel says of the thread (/proc), while nothing traces it; then, in a second course of as many
orders, system calls by strace, which slows them down. On kernel sockets, and once more with
`--preload LIBRARY` in venue and member.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironpit.bench import plans
from ironpit.bench.bypass_ends import HOT_THREADS, Course
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import table

WARM_UP_MAX = 5_000
PER = 1_000_000
COUNTS = (
    "system_calls",
    "context_switches_voluntary",
    "context_switches_involuntary",
    "page_faults_minor",
    "page_faults_major",
    "interrupts_of_cpu",
)


@dataclass(frozen=True)
class Plan:
    """How many orders, with what preloaded, and where."""

    orders: int = plans.number(100_000, "orders in each run", highest=1 << 20)
    preload: str = plans.word("", "also measure with this kernel bypass preloaded", "LIBRARY")
    member_cpu: int = plans.cpu(0, "the member")
    gateway_cpu: int = plans.cpu(1, "the gateway")
    matcher_cpu: int = plans.cpu(2, "the matcher")


def interrupts_of(text: str, cpu: int) -> int:
    """All interrupts that a CPU has served, by the text of /proc/interrupts."""
    lines = text.splitlines()
    column = lines[0].split().index(f"CPU{cpu}") + 1
    rows = (line.split() for line in lines[1:])
    return sum(int(row[column]) for row in rows if len(row) > column and row[column].isdigit())


def kernel_counts(process: int, thread: int, cpu: int) -> dict[str, int]:
    """What the kernel has counted for a thread so far, and the interrupts of its CPU."""
    task = Path(f"/proc/{process}/task/{thread}")
    stat = (task / "stat").read_text()
    fields = stat[stat.rindex(")") + 2 :].split()
    switches = dict(re.findall(r"(\w+)_ctxt_switches:\s+(\d+)", (task / "status").read_text()))
    return {
        "context_switches_voluntary": int(switches["voluntary"]),
        "context_switches_involuntary": int(switches["nonvoluntary"]),
        "page_faults_minor": int(fields[7]),
        "page_faults_major": int(fields[9]),
        "interrupts_of_cpu": interrupts_of(Path("/proc/interrupts").read_text(), cpu),
    }


def calls_in(summary: str) -> dict[str, int]:
    """System calls by name, by the summary that `strace -c` writes."""
    found = {}
    for line in summary.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[-1] != "total" and fields[3].isdigit():
            found[fields[-1]] = int(fields[3])
    return found


@contextmanager
def traced(threads: dict[str, int]) -> Iterator[dict[str, dict[str, int]]]:
    """Count the threads' system calls meanwhile: filled, by the threads' names, at the end."""
    found: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory(prefix="ironpit-") as directory:
        tracers = {}
        for name, thread in threads.items():
            command = ["strace", "-c", "-o", f"{directory}/{name}", "-p", str(thread)]
            tracers[name] = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            for tracer in tracers.values():
                assert tracer.stderr is not None
                said = tracer.stderr.readline()
                if "attached" not in said:
                    raise UserError(f"strace cannot trace the venue: {said.strip()}", Exit.REFUSED)
            yield found
        finally:
            for tracer in tracers.values():
                tracer.send_signal(signal.SIGINT)
                tracer.communicate()
        for name in threads:
            found[name] = calls_in(Path(f"{directory}/{name}").read_text())


def count(plan: Plan, preload: str) -> dict[str, Any]:
    """Of each hot thread, what a course of `orders` took."""
    cpus = dict(zip(HOT_THREADS, (plan.gateway_cpu, plan.matcher_cpu), strict=True))
    with Course(
        preload,
        member_cpu=plan.member_cpu,
        gateway_cpu=plan.gateway_cpu,
        matcher_cpu=plan.matcher_cpu,
    ) as course:
        course.orders(min(WARM_UP_MAX, plan.orders))
        process, threads = course.threads()
        before = {name: kernel_counts(process, threads[name], cpus[name]) for name in threads}
        course.orders(plan.orders)
        after = {name: kernel_counts(process, threads[name], cpus[name]) for name in threads}
        with traced(threads) as calls:
            course.orders(plan.orders)
    return {
        name: {
            "system_calls": sum(calls[name].values()),
            **{key: after[name][key] - before[name][key] for key in before[name]},
            "system_calls_by_name": calls[name],
        }
        for name in threads
    }


def run(plan: Plan) -> dict[str, Any]:
    """The report: kernel sockets, then the preloaded library if there is one."""
    if shutil.which("strace") is None:
        raise UserError("found no strace, which counts the system calls", Exit.REFUSED)
    cores = len(os.sched_getaffinity(0))
    notes = []
    if cores < 4:
        notes.append(
            f"{cores} cores for a member, a gateway and a matcher that spin and for the rest: "
            "context switches are the scheduler's"
        )
    found = {"kernel": count(plan, "")}
    if plan.preload:
        found["preloaded"] = count(plan, plan.preload)
    return {
        "schema": "ironpit-bench-transitions-1",
        "measured": "of the gateway's and the matcher's thread, while a member sends orders, each "
        "after the answer to the one before; a gateway that spins on kernel sockets also "
        "asks the kernel between orders",
        "orders": plan.orders,
        "preload": plan.preload,
        "counted": found,
        "notes": notes,
    }


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: counts for a million orders, and as counted."""
    scale = PER / report["orders"]
    rows = []
    for sockets, threads in report["counted"].items():
        for name, counts in threads.items():
            figures = [f"{counts[key] * scale:,.0f}" for key in COUNTS]
            rows.append([sockets, name, *figures])
    header = ["sockets", "thread", *(key.replace("_", " ") for key in COUNTS)]
    lines = [table(rows, header), f"for {PER:,} orders; counted over {report['orders']:,}"]
    for sockets, threads in report["counted"].items():
        for name, counts in threads.items():
            calls = counts["system_calls_by_name"].items()
            said = ", ".join(f"{call} {number:,}" for call, number in calls) or "none"
            lines.append(f"system calls, {sockets}, {name}: {said}")
    return "\n".join([*lines, report["measured"], *report["notes"]])
