"""Settings: irqbalance, the daemon that moves interrupts."""

import shlex
from collections.abc import Iterable

from host_tuning.checking.findings import numbers, unknown
from host_tuning.checking.hot_cpus import CPU, none_configured
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, parse_list, parse_mask
from host_tuning.common.errors import ToolError
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

BALANCE_FILES = ("/etc/sysconfig/irqbalance", "/etc/default/irqbalance")
BANNED = "IRQBALANCE_BANNED_CPULIST"
BANNED_MASK = "IRQBALANCE_BANNED_CPUS"


def _assignments(text: str, separator: str) -> dict[str, str]:
    """NAME=value pairs of an environment (NUL) or of a file that a shell reads (newline)."""
    found = {}
    for line in text.split(separator):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or not name.isidentifier():
            continue
        if separator == "\n":
            try:
                words = shlex.split(value, comments=True)
            except ValueError:
                words = []
            value = words[0] if words else ""
        found[name] = value
    return found


def _banned(host: Host, values: dict[str, str]) -> frozenset[int]:
    """The CPUs that irqbalance leaves alone: its list, else its mask, else those isolated by boot.

    Source: setup_banned_cpus() in irqbalance's cputree.c.
    """
    try:
        if values.get(BANNED):
            return parse_list(values[BANNED], BANNED)
        if values.get(BANNED_MASK):
            return parse_mask(values[BANNED_MASK], BANNED_MASK)
    except ToolError:
        return frozenset()  # irqbalance ignores what it cannot read
    paths = (f"{CPU}/isolated", f"{CPU}/nohz_full")
    return frozenset().union(*(parse_list(host.read(path).value, path) for path in paths))


def _balance_file(host: Host) -> Reading:
    readings = [host.read(path) for path in BALANCE_FILES]
    return next((one for one in readings if not one.missing), readings[-1])


def _to_ban(host: Host, file: Reading) -> str:
    """The list for the file: the hot CPUs, and those that it bans by name already."""
    values = _assignments(file.text, "\n")
    named = any(values.get(name) for name in (BANNED, BANNED_MASK))
    return format_list(host.target.hot | (_banned(host, values) if named else frozenset()))


def inspect_irqbalance(host: Host) -> Iterable[Finding]:
    """Whether irqbalance runs, and with which CPUs banned: its environment, else its file."""
    if not host.hot:
        yield none_configured("stopped, or the hot CPUs banned")
        return
    hot = format_list(host.hot)
    expected = f"stopped, or {BANNED}={hot}"
    pid = next((task.pid for task in host.tasks if task.name == "irqbalance"), None)
    file = _balance_file(host)
    paths: tuple[str, ...] = ("/proc/*/stat", file.path)
    if pid is None and (host.identity.container or not host.tasks):
        reason = "a container sees its own tasks only" if host.tasks else "no process can be seen"
        if not host.tasks and not host.live:
            reason = "/proc/*/stat: not in this capture"
        yield unknown(reason, expected=expected, paths=paths)
        return
    if pid is None:
        yield Finding(Conformity.CONFORMS, "host", "not running", None, expected, "", paths)
        return
    environment = host.read(f"/proc/{pid}/environ")
    values = _assignments(file.text, "\n")
    if environment.ok:
        values, paths = _assignments(environment.text, "\0"), (environment.path, *paths)
    banned = _banned(host, values)
    fits = host.target.hot <= banned
    written = host.target.hot <= _banned(host, _assignments(file.text, "\n"))
    reason = "it moves interrupts onto hot CPUs again, every ten seconds"
    if written:
        reason = f"{file.path} bans them, but the process was started before"
    edit = f"set {BANNED}={_to_ban(host, file)} in {file.path}"
    old = _assignments(file.text, "\n").get(BANNED)
    back = f"take {BANNED} out of {file.path}" if old is None else f"set {BANNED}={old} there again"
    yield Finding(
        Conformity.CONFORMS if fits else Conformity.DEVIATES,
        "host",
        f"running, banned: {format_list(banned) or 'none'}",
        numbers(banned),
        expected,
        "" if fits else reason,
        paths,
        fix=() if fits else (*(() if written else (edit,)), "sudo systemctl restart irqbalance"),
        undo=() if fits else (*(() if written else (back,)), "sudo systemctl restart irqbalance"),
    )


def steps_irqbalance(host: Host) -> Iterable[Step]:
    """Ban the hot CPUs in irqbalance's file; it reads that when it is started again."""
    for finding in inspect_irqbalance(host):
        file = _balance_file(host)
        written = host.target.hot <= _banned(host, _assignments(file.text, "\n"))
        if finding.conformity is Conformity.DEVIATES and file.ok and not written:
            yield Change("irqbalance", "line", f"{file.path}:{BANNED}", _to_ban(host, file))


SETTINGS = (
    Setting(
        id="irqbalance",
        group="interrupts",
        title="irqbalance",
        when=When.RUNTIME,
        what="Whether a daemon moves interrupts back onto hot CPUs.",
        why="It spreads interrupts over all CPUs that are not banned, every ten seconds.",
        see="systemctl status irqbalance; cat /etc/default/irqbalance /etc/sysconfig/irqbalance",
        set=f"{BANNED}=HOT in its file, then restart it; or stop and disable it",
        undo="restore the file and restart it",
        sources=("irqbalance(1)", "https://github.com/Irqbalance/irqbalance (cputree.c)"),
        inspect=inspect_irqbalance,
        steps=steps_irqbalance,
    ),
)
