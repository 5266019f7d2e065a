"""Cores: isolation, real-time scheduling, and the processor's own counters."""

import os
import resource

from ironpit.operate.doctor.feature import Context, Feature
from ironpit.operate.doctor.memory import has_capability
from ironpit.venue.isolation import cpu_list

CAP_SYS_NICE, CAP_PERFMON, CAP_SYS_ADMIN = 23, 38, 21
REAL_TIME = (os.SCHED_FIFO, os.SCHED_RR)


def isolation(context: Context) -> Feature:
    """Cores that the scheduler leaves alone, and whether hot threads are on them."""
    text = context.text("sys/devices/system/cpu/isolated")
    isolated = cpu_list(text) if text else set()
    config = context.config
    threads = [t for p in config.placement.processes.values() for t in p.threads] if config else []
    wanted = any(thread.isolation != "off" for thread in threads)
    available = None if text is None else bool(isolated)
    pinned = [t["cpu"] for s in context.running for t in s["threads"] if t["cpu"] is not None]
    in_use = None
    if context.running:
        in_use = bool(pinned) and all(cpu in isolated for cpu in pinned)
    why_not, to_do = context.degraded("isolation") or "", ""
    if available is False:
        why_not = why_not or "the kernel was started without isolated CPUs"
        to_do = "tune-host --check shows the boot parameters (isolcpus, nohz_full, rcu_nocbs)"
    elif available is None:
        why_not = "the kernel does not say"
    elif in_use is False:
        why_not = why_not or "no thread of the venue is pinned to an isolated CPU"
        to_do = "placement.processes.NAME.threads[].cpu"
    return Feature(
        "isolation",
        "Isolated cores",
        available,
        in_use,
        wanted,
        why_not,
        to_do,
        {"isolated": sorted(isolated), "pinned": pinned},
    )


def real_time(context: Context) -> Feature:
    """Whether this process may schedule threads as real-time ones, and whether the venue's are."""
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    available = has_capability(context, CAP_SYS_NICE) or limit != 0
    found = [_policy(t["thread_id"]) for s in context.running for t in s["threads"]]
    policies = [policy for policy in found if policy is not None]
    in_use = all(policy in REAL_TIME for policy in policies) if policies else None
    why_not, to_do = "", ""
    if not available:
        why_not = "RLIMIT_RTPRIO is 0, and the process lacks CAP_SYS_NICE"
        to_do = "LimitRTPRIO=99 in the unit"
    elif in_use is False:
        why_not = "the venue's threads run under the default policy: on an isolated core nothing "
        why_not += "competes with them"
        to_do = "chrt -f -p 1 THREAD_ID, where cores are not isolated"
    return Feature(
        "real_time",
        "Real-time scheduling",
        available,
        in_use,
        False,
        why_not,
        to_do,
        {"rtprio_limit": limit},
    )


def _policy(thread_id: int) -> int | None:
    try:
        return os.sched_getscheduler(thread_id)
    except OSError:
        return None


def counters(context: Context) -> Feature:
    """The processor's performance counters (PMU), as perf reads them."""
    hardware = (context.root / "sys/bus/event_source/devices/cpu").exists() or (
        context.root / "sys/bus/event_source/devices/armv8_pmuv3_0"
    ).exists()
    paranoid = context.text("proc/sys/kernel/perf_event_paranoid")
    allowed = any(has_capability(context, c) for c in (CAP_PERFMON, CAP_SYS_ADMIN)) or (
        paranoid is not None and int(paranoid) <= 2
    )
    why_not, to_do = "", ""
    if not hardware:
        why_not = "the processor shows no counters (a hypervisor may hide them)"
        to_do = "bare metal, or a virtual machine with a vPMU"
    elif not allowed:
        why_not = f"perf_event_paranoid is {paranoid}"
        to_do = "sysctl kernel.perf_event_paranoid=2, or CAP_PERFMON"
    return Feature(
        "pmu",
        "Performance counters (PMU)",
        hardware and allowed,
        None,
        False,
        why_not,
        to_do,
        {"hardware": hardware, "perf_event_paranoid": paranoid},
    )
