"""Runs in the emulated machine: sets things wrong, and has tune-host find, mend and restore them.

Prints one JSON object: for each scenario what tune-host printed and exited with, and what the
kernel showed before, between and after.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h
CPU = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")
HUGE = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages"
# Isolated at boot, on the node that the network card is not on.
AT_BOOT = """
host:
  hot: 2-3
  housekeeping: 0-1
  interfaces: [eth0]
  profile: bare-metal
  huge_pages: {0: 8, 1: 4}
"""
# Isolated at run time, on the network card's node.
AT_RUN_TIME = """
host:
  hot: 4-5
  housekeeping: 0-1
  interfaces: [eth0]
  profile: bare-metal
  overrides: {isolation: {method: cgroup}}
"""
# What apply may write, and more; without what changes by itself.
WATCHED = (
    "/proc/sys/kernel/*",
    "/proc/sys/vm/*",
    "/proc/sys/net/core/*",
    "/proc/sys/net/ipv4/tcp_*",
    "/proc/irq/default_smp_affinity",
    "/proc/irq/*/smp_affinity",
    "/sys/devices/virtual/workqueue/**/cpumask",
    "/sys/devices/system/machinecheck/*/*",
    "/sys/devices/system/node/node*/hugepages/*/nr_hugepages",
    "/sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us",
    "/sys/kernel/mm/transparent_hugepage/**/*",
    "/sys/kernel/mm/ksm/run",
    "/sys/module/pcie_aspm/parameters/policy",
    "/sys/class/net/eth0/queues/*/*ps_cpus",
    "/sys/class/net/eth0/gro_flush_timeout",
    "/sys/fs/cgroup/cgroup.subtree_control",
    "/sys/fs/cgroup/**/cpuset.cpus*",
)
VOLATILE = ("random", "ns_last_pid", "stat_refresh", "pages_collapsed", "full_scans", "pty")


def read(path: str | Path) -> str:
    """A file's text, or why it cannot be read."""
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError) as problem:
        return f"({type(problem).__name__})"


def snapshot() -> dict[str, str]:
    """All that is watched."""
    found = {}
    for pattern in WATCHED:
        for path in sorted(Path("/").glob(pattern[1:])):
            if path.is_file() and not any(word in path.name for word in VOLATILE):
                found[str(path)] = read(path)
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str | None]]:
    """What is not the same: old and new."""
    names = sorted(before.keys() | after.keys())
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def tune_host(*arguments: str, config: str = "") -> dict[str, Any]:
    """Run it; exit code, parsed output where it is JSON, errors."""
    options = []
    if config:
        Path("/tmp/host.yaml").write_text(config)
        options = ["--config", "/tmp/host.yaml"]
    command = [sys.executable, "-m", "host_tuning", *arguments, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(f"tune-host {' '.join(arguments)}: exit {done.returncode} {done.stderr}", file=sys.stderr)
    output = json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout
    return {"exit": done.returncode, "output": output, "errors": done.stderr}


def interface_up(name: str) -> None:
    with socket.socket() as sock:
        request = struct.pack("16sH14x", name.encode(), 0)
        flags = struct.unpack_from("H", fcntl.ioctl(sock, SIOCGIFFLAGS, request), 16)[0]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags | IFF_UP))


def interrupts(word: str) -> dict[str, str]:
    """The numbers of the interrupts that are called so."""
    found = {}
    for line in Path("/proc/interrupts").read_text().splitlines()[1:]:
        fields = line.split()
        if word in fields[-1]:
            found[fields[-1]] = fields[0].rstrip(":")
    return found


def ticks_of_a_busy_second(cpu: int) -> int:
    """Local timer interrupts of a CPU that runs one task for a second and nothing else."""

    def count() -> int:
        text = Path("/proc/interrupts").read_text()
        line = next(line for line in text.splitlines() if line.split()[0] == "LOC:")
        return int(line.split()[1 + cpu])

    spin = "import time\nend = time.monotonic() + 2.5\nwhile time.monotonic() < end: pass"
    child = subprocess.Popen(
        [sys.executable, "-c", spin], preexec_fn=lambda: os.sched_setaffinity(0, {cpu})
    )
    time.sleep(1.2)  # the tick stops some time after the task is alone
    first = count()
    time.sleep(1.0)
    ticks = count() - first
    child.kill()
    child.wait()
    return ticks


def effective() -> dict[str, str]:
    """Where the card's interrupts go."""
    card = interrupts("virtio0-")
    return {
        name: read(f"/proc/irq/{number}/effective_affinity_list") for name, number in card.items()
    }


def cycle(config: str) -> dict[str, Any]:
    """Check, apply, look, verify, apply again, take back."""
    before = snapshot()
    out: dict[str, Any] = {"check": tune_host("--check", "--json", config=config)}
    out["apply"] = tune_host("--apply", "--json", config=config)
    between = snapshot()
    out["applied"] = differences(before, between)
    out["effective"] = effective()
    out["allowed"] = sorted(os.sched_getaffinity(0))
    out["verify"] = tune_host("--verify", "--json")
    out["again"] = tune_host("--apply", "--json", config=config)
    out["changed_again"] = differences(between, snapshot())
    out["rollback"] = tune_host("--rollback", "last", "--json")
    out["not_restored"] = differences(before, snapshot())
    return out


def main() -> None:
    """Everything in turn."""
    for name in ("lo", "eth0"):
        interface_up(name)
    for name in ("virtio0-input.0", "virtio0-output.0"):
        number = interrupts("virtio0-")[name]
        Path(f"/proc/irq/{number}/smp_affinity_list").write_text("2")
    Path("/proc/irq/default_smp_affinity").write_text("ff")
    Path("/sys/devices/virtual/workqueue/cpumask").write_text("ff")
    facts = {
        "isolated": read(CPU / "isolated"),
        "nohz_full": read(CPU / "nohz_full"),
        "nodes": read("/sys/devices/system/node/online"),
        "queues": len(list(Path("/sys/class/net/eth0/queues").glob("rx-*"))),
        "effective": effective(),
        "ticks_tickless": ticks_of_a_busy_second(3),
        "ticks_ticking": ticks_of_a_busy_second(6),
    }
    result = {
        "facts": facts,
        "at_boot": cycle(AT_BOOT),
        "at_run_time": cycle(AT_RUN_TIME),
        "hold": tune_host(
            "--hold", "--", sys.executable, "-c",
            "print(int.from_bytes(open('/dev/cpu_dma_latency', 'rb').read(4), 'little'))",
        ),
    }  # fmt: skip
    print(json.dumps(result))


main()
