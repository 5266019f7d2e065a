"""Short ways to make the findings that nearly every inspection makes."""

from collections.abc import Iterable

from host_tuning.common.verdict import Conformity, Cost, Finding, Json
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

# Directories of which captures keep single files, and whose files nearly every kernel has: that
# one is missing from a capture says nothing about the host.
PICKED_FROM = ("/proc", "/proc/self", "/proc/1", "/sys/fs")


def unread(
    host: Host, reading: Reading, expected: str, absent: str, subject: str = "host"
) -> Finding:
    """The finding for a file that gave no text.

    On the live host a missing file means that there is no such knob, for the reason `absent`. In a
    capture that is so only where the file's directory was captured, and is none of PICKED_FROM;
    else nobody looked. Any other errno (no permission, an I/O error) leaves it unknown.
    """
    directory = reading.path.rpartition("/")[0]
    uncaptured = directory in PICKED_FROM or not host.tree.names(directory)
    if reading.missing and not host.live and uncaptured:
        reason = f"{reading.path}: not in this capture"
        return Finding(
            Conformity.UNKNOWN, subject, expected=expected, reason=reason, paths=(reading.path,)
        )
    if reading.missing:
        return Finding(
            Conformity.NOT_APPLICABLE,
            subject,
            expected=expected,
            reason=absent,
            paths=(reading.path,),
        )
    return Finding(
        Conformity.UNKNOWN,
        subject,
        expected=expected,
        reason=reading.why_not,
        paths=(reading.path,),
    )


def judged(
    conforms: bool,
    reading: Reading,
    expected: str,
    *,
    subject: str = "host",
    parsed: Json = None,
    reason: str = "",
    cost: Cost | None = None,
    fix: tuple[str, ...] = (),
    undo: tuple[str, ...] = (),
) -> Finding:
    """The finding for a text that was read: it conforms, or it deviates and has a fix."""
    return Finding(
        Conformity.CONFORMS if conforms else Conformity.DEVIATES,
        subject,
        reading.value,
        parsed if parsed is not None else reading.value,
        expected,
        reason,
        (reading.path,),
        cost or Cost(),
        () if conforms else fix,
        () if conforms else undo,
    )


def write_command(value: str, path: str) -> str:
    """The command that a person types to write a value."""
    return f"echo {value} | sudo tee {path}"


def unknown(
    reason: str,
    subject: str = "host",
    *,
    expected: str = "",
    actual: str = "",
    paths: tuple[str, ...] = (),
    fix: tuple[str, ...] = (),
) -> Finding:
    """The finding for what cannot be told, and why."""
    return Finding(Conformity.UNKNOWN, subject, actual, None, expected, reason, paths, Cost(), fix)


def not_applicable(
    reason: str,
    subject: str = "host",
    *,
    expected: str = "",
    actual: str = "",
    paths: tuple[str, ...] = (),
) -> Finding:
    """The finding for a knob that this host does not have, and why."""
    return Finding(Conformity.NOT_APPLICABLE, subject, actual, None, expected, reason, paths)


def numbers(values: Iterable[int]) -> Json:
    """CPUs and the like as data: a rising list."""
    return list[Json](sorted(values))
