"""Settings: the scheduler's tick and RCU callbacks, off the hot CPUs."""

import re
from collections.abc import Iterable

from host_tuning.checking.boot_lists import (
    REBOOT,
    add_command,
    cpus_of,
    next_boot_path,
    remove_command,
)
from host_tuning.checking.findings import numbers, unknown, unread
from host_tuning.checking.hot_cpus import CPU, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import BootArgument
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

NOHZ_FULL = f"{CPU}/nohz_full"
CALLBACK_THREAD = re.compile(r"rcuo[a-z]/(\d+)\Z")  # rcuop/3, rcuob/3, rcuos/3


def _wanting(
    host: Host, name: str, cpu: int, actual: str, reason: str, paths: tuple[str, ...]
) -> Finding:
    """The finding for a CPU that an argument does not name now; perhaps at the next boot."""
    hot = host.target.hot
    next_boot = next_boot_path(host, lambda line: hot <= cpus_of(host, line, name))
    argument = f"{name}={format_list(hot)}"
    return Finding(
        Conformity.NEXT_BOOT if next_boot else Conformity.DEVIATES,
        subject(cpu),
        actual,
        actual,
        argument,
        f"{argument} is set in {next_boot} for the next boot" if next_boot else reason,
        paths,
        fix=(REBOOT if next_boot else add_command(host, argument),),
        undo=(remove_command(host, name),),
    )


def _no_tickless_kernel(host: Host, reading: Reading, expected: str) -> Finding:
    """An absent file: a kernel without CONFIG_NO_HZ_FULL, which ignores the argument silently."""
    found = unread(
        host, reading, expected, "the kernel is built without CONFIG_NO_HZ_FULL: the tick stays"
    )
    argument = host.boot.last("nohz_full")
    if found.conformity is not Conformity.NOT_APPLICABLE or argument is None:
        return found
    return Finding(
        Conformity.DEVIATES,
        actual=f"nohz_full={argument} on the command line, no {reading.path}",
        expected=expected,
        reason="the kernel is built without CONFIG_NO_HZ_FULL and ignores the argument silently",
        paths=(reading.path, host.boot.path),
        fix=("install a kernel that is built with CONFIG_NO_HZ_FULL=y",),
    )


def inspect_nohz_full(host: Host) -> Iterable[Finding]:
    """Whether the tick stops on each hot CPU while one task runs there."""
    if not host.hot:
        yield none_configured("the hot CPUs")
        return
    expected = f"nohz_full={format_list(host.hot)}"
    reading = host.read(NOHZ_FULL)
    if not reading.ok:
        yield _no_tickless_kernel(host, reading, expected)
        return
    tickless = parse_list(reading.value, NOHZ_FULL)
    for cpu in host.hot:
        if cpu in tickless:
            yield Finding(
                Conformity.CONFORMS,
                subject(cpu),
                format_list(tickless),
                numbers(tickless),
                expected,
                "",
                (NOHZ_FULL,),
            )
        else:
            actual = format_list(tickless) or reading.value or "none"
            reason = "the tick interrupts whatever runs here"
            yield _wanting(host, "nohz_full", cpu, actual, reason, (NOHZ_FULL,))


def _argument_steps(
    setting: str, name: str, host: Host, findings: Iterable[Finding]
) -> Iterable[Step]:
    if any(finding.conformity is Conformity.DEVIATES and finding.undo for finding in findings):
        yield BootArgument(setting, name, format_list(host.hot))


def steps_nohz_full(host: Host) -> Iterable[Step]:
    """The boot argument, where the kernel can use it."""
    return _argument_steps("nohz-full", "nohz_full", host, inspect_nohz_full(host))


def inspect_rcu(host: Host) -> Iterable[Finding]:
    """Whether RCU callbacks of each hot CPU are handed to threads that run elsewhere.

    The kernel tells its mask nowhere: the argument counts, or nohz_full, which implies it
    (rcu_init_nohz() in kernel/rcu/tree_nocb.h), if the threads are there that it makes.
    """
    if not host.hot:
        yield none_configured("the hot CPUs")
        return
    expected = f"rcu_nocbs={format_list(host.hot)}"
    cmdline = host.read("/proc/cmdline")
    tickless = host.read(NOHZ_FULL)
    implied = parse_list(tickless.value, NOHZ_FULL)
    named = cpus_of(host, host.boot, "rcu_nocbs") | implied
    paths = (cmdline.path, NOHZ_FULL)
    serving = {
        int(match[1])
        for task in host.tasks
        if task.kernel and (match := CALLBACK_THREAD.match(task.name))
    }
    kernel_threads = any(task.kernel for task in host.tasks)
    for cpu in host.hot:
        if cpu not in named and not cmdline.ok:
            yield unread(host, cmdline, expected, "", subject(cpu))
        elif cpu not in named:
            reason = "RCU callbacks run in softirqs of this CPU"
            actual = host.boot.last("rcu_nocbs") or "none"
            yield _wanting(host, "rcu_nocbs", cpu, actual, reason, paths)
        elif cpu in serving or cpu in implied:
            yield Finding(
                Conformity.CONFORMS,
                subject(cpu),
                format_list(named),
                numbers(named),
                expected,
                "implied by nohz_full" if cpu in implied else "",
                paths,
            )
        elif not kernel_threads:
            reason = "the argument is there, but no kernel thread can be seen that would prove it"
            yield unknown(
                reason, subject(cpu), expected=expected, actual=format_list(named), paths=paths
            )
        else:
            yield Finding(
                Conformity.DEVIATES,
                subject(cpu),
                format_list(named),
                numbers(named),
                expected,
                "no thread rcuo*/N serves it: the kernel is built without CONFIG_RCU_NOCB_CPU",
                (*paths, "/proc/*/stat"),
                fix=("install a kernel that is built with CONFIG_RCU_NOCB_CPU=y",),
            )


def steps_rcu(host: Host) -> Iterable[Step]:
    """The boot argument, where it is missing."""
    return _argument_steps("rcu-nocbs", "rcu_nocbs", host, inspect_rcu(host))


SETTINGS = (
    Setting(
        id="nohz-full",
        group="isolation",
        title="no tick",
        when=When.REBOOT,
        what="Whether the scheduler's tick stops while a single task runs on a hot CPU.",
        why="The tick interrupts a spinning stage 100 to 1,000 times a second (CONFIG_HZ).",
        see=f"cat {NOHZ_FULL}",
        set="boot nohz_full=LIST",
        undo="remove the argument",
        sources=("Documentation/timers/no_hz.rst",),
        inspect=inspect_nohz_full,
        steps=steps_nohz_full,
    ),
    Setting(
        id="rcu-nocbs",
        group="isolation",
        title="no RCU callbacks",
        when=When.REBOOT,
        what="Whether RCU callbacks of a hot CPU run in threads that can run elsewhere.",
        why="A grace period ends with a burst of callbacks in a softirq of the CPU itself.",
        see="cat /proc/cmdline; ps -e | grep rcuo",
        set="boot rcu_nocbs=LIST (nohz_full implies it)",
        undo="remove the argument",
        sources=(
            "Documentation/admin-guide/kernel-parameters.txt (rcu_nocbs)",
            "Documentation/admin-guide/kernel-per-CPU-kthreads.rst",
        ),
        inspect=inspect_rcu,
        steps=steps_rcu,
    ),
)
