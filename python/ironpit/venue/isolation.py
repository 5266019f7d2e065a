"""Whether a thread's core is really its own, and what to do when it is not."""

import os
from pathlib import Path

from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, Thread

ISOLATED = Path("/sys/devices/system/cpu/isolated")


def cpu_list(text: str) -> set[int]:
    """The kernel's list format: "0-2,5" is {0, 1, 2, 5}."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        if part:
            first, _, last = part.partition("-")
            cpus.update(range(int(first), int(last or first) + 1))
    return cpus


def isolated_cpus(path: Path = ISOLATED) -> set[int]:
    """The CPUs that the scheduler leaves alone; empty where the kernel does not say."""
    try:
        return cpu_list(path.read_text())
    except OSError:
        return set()


def checked(thread: Thread, degraded: list[dict[str, str]]) -> int | None:
    """The CPU to pin the thread to, after its isolation policy was applied.

    `require`: UserError unless the core is there and isolated. `warn`: degraded. `off`: no
    question.
    """
    if thread.cpu is None:
        if thread.isolation != "off":
            refused(thread, "no cpu is configured", degraded)
        return None
    if thread.cpu not in os.sched_getaffinity(0):
        refused(thread, f"this process may not run on CPU {thread.cpu}", degraded)
        return None
    if thread.isolation != "off" and thread.cpu not in isolated_cpus():
        refused(thread, f"CPU {thread.cpu} is not isolated", degraded)
    return thread.cpu


def stage_cores(config: Config) -> set[int]:
    """The cores that the placement gives to stages, of all processes."""
    threads = (t for process in config.placement.processes.values() for t in process.threads)
    return {thread.cpu for thread in threads if thread.cpu is not None}


def leave_stage_cores(config: Config) -> None:
    """Keep every thread of this process, and those that they start from now on, off the stages'
    cores: what logs members in, watches the stages or helps a library must not run in their way.
    To be called before the stages start. Without another core: no change."""
    others = os.sched_getaffinity(0) - stage_cores(config)
    if others:
        for task in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(task), others)


def refused(thread: Thread, reason: str, degraded: list[dict[str, str]]) -> None:
    """Isolation or pinning is not to be had: refuse or degrade, as the policy says."""
    if thread.isolation == "require":
        raise UserError(
            f"placement: thread {thread.name}: isolation is required, and {reason}", Exit.REFUSED
        )
    degraded.append({"feature": f"isolation of {thread.name}", "reason": reason})
