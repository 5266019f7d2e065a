"""What the kernel counted on each CPU: interrupts, softirqs and stolen time, from /proc.

Formats: proc_interrupts(5), proc_softirqs(5), proc_stat(5). Columns are named `CPU3`: CPUs may
be offline, and numbers have holes.
"""

from dataclasses import dataclass

from host_tuning.facts.interrupt_table import InterruptTable
from host_tuning.facts.tree import HostTree

HOST_WIDE = ("ERR", "MIS")  # rows that count once for all CPUs
TICKS_PER_SECOND = 100  # USER_HZ, which is part of Linux's ABI on every architecture in use


@dataclass(frozen=True, slots=True)
class KernelCounters:
    """The counters of one CPU at one moment. interrupts, softirqs: name -> count; a numbered
    interrupt's name has its device behind it. steal_ns: time that a hypervisor gave to others."""

    interrupts: dict[str, int]
    softirqs: dict[str, int]
    steal_ns: int


def table(text: str) -> dict[int, dict[str, int]]:
    """CPU -> line name -> count, of /proc/interrupts or /proc/softirqs."""
    read_rows = InterruptTable(text)
    found: dict[int, dict[str, int]] = {cpu: {} for cpu in read_rows.cpus()}
    for row in read_rows.rows():
        if row in HOST_WIDE:
            continue
        device = read_rows.device(row)
        label = row
        if row.isdigit() and device:
            label = f"{row} {device.split()[-1]}"
        elif device:
            label = device if device.startswith(row) else f"{row} {device}"
        for cpu, counts in found.items():
            counts[label] = read_rows.count(row, cpu)
    return found


def steal_ns(text: str) -> dict[int, int]:
    """CPU -> stolen nanoseconds, of /proc/stat; empty where the kernel does not count them."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 8 and words[0].startswith("cpu") and words[0][3:].isdigit():
            found[int(words[0][3:])] = int(words[8]) * (1_000_000_000 // TICKS_PER_SECOND)
    return found


def read(tree: HostTree) -> dict[int, KernelCounters]:
    """The counters of every CPU that /proc/interrupts or /proc/stat shows."""
    interrupts = table(tree.read("/proc/interrupts").text)
    softirqs = table(tree.read("/proc/softirqs").text)
    stolen = steal_ns(tree.read("/proc/stat").text)
    return {
        cpu: KernelCounters(interrupts.get(cpu, {}), softirqs.get(cpu, {}), stolen.get(cpu, 0))
        for cpu in sorted({*interrupts, *stolen})
    }


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What rose between two readings, most first."""
    rises = {name: after[name] - before.get(name, 0) for name in after}
    ordered = sorted(rises.items(), key=lambda item: (-item[1], item[0]))
    return {name: rise for name, rise in ordered if rise > 0}
