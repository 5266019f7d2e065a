"""Wraps `perf stat`: what the cores' counters say, and why there are none where there are none."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from host_tuning.common.errors import ToolError
from host_tuning.target.host import Host

HARDWARE = ("cycles", "instructions", "cache-misses", "branch-misses")
SOFTWARE = ("context-switches", "cpu-migrations", "page-faults")
PARANOID = "/proc/sys/kernel/perf_event_paranoid"
PMU = "/sys/bus/event_source/devices"


@dataclass(frozen=True, slots=True)
class Count:
    """One event on one CPU; value None where the host does not count it."""

    cpu: int
    event: str
    value: int | None


def why_no_pmu(host: Host) -> str:
    """Why hardware events are not counted here; empty where the host shows a PMU."""
    shown = host.tree.names(PMU)
    if any(name == "cpu" or name.startswith(("cpu_", "armv")) for name in shown):
        return ""
    if host.identity.machine == "vm":
        name = host.identity.hypervisor or "the hypervisor"
        return f"PMU not exposed: {name} passes none to this guest ({PMU} has {', '.join(shown)})"
    return f"PMU not exposed: {PMU} has {', '.join(shown) or 'nothing'}"


def measure(host: Host, cpus: list[int], seconds: float) -> list[Count]:
    """Count events on the CPUs for `seconds`. Errors: ToolError without perf or the right to."""
    program = shutil.which("perf")
    if program is None:
        raise ToolError("--perf: found no perf, expected linux-perf to be installed")
    paranoid = host.read(PARANOID)
    if os.geteuid() and paranoid.ok and int(paranoid.value) > 0:
        raise ToolError(
            f"--perf: {PARANOID} is {paranoid.value}: counting on CPUs needs root, "
            "CAP_PERFMON or 0 there"
        )
    command = [program, "stat", "-j", "-A", "-C", ",".join(map(str, cpus)), "-e"]
    command += [",".join(HARDWARE + SOFTWARE), "--", "sleep", f"{seconds:g}"]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise ToolError(f"--perf: {' '.join(done.stderr.split())[:400]}")
    return parse(done.stderr)


def parse(text: str) -> list[Count]:
    """The events of `perf stat -j -A`, one JSON object a line."""
    found = []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        row = json.loads(line)
        cpu = row.get("cpu", "").removeprefix("CPU")
        value = row.get("counter-value", "")
        counted = value.replace(".", "", 1).isdigit()
        if cpu.isdigit() and row.get("event"):
            found.append(Count(int(cpu), row["event"], int(float(value)) if counted else None))
    return found
