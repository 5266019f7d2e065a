"""Files that hold one whole number, which is the shape of most sysctls: looked at, judged, written.

A setting that is nothing but such numbers says which, and this says the rest.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from host_tuning.checking.findings import judged, unknown, unread, write_command
from host_tuning.common.change import Change
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.target.host import Host


@dataclass(frozen=True, slots=True)
class Knob:
    """One number in one file.

    fits: whether a number is right. new: the number to write where it is not. expected: the same
    for people. absent: why a host has no such file. why: the reason given where it deviates.
    """

    path: str
    fits: Callable[[int], bool]
    new: int
    expected: str
    absent: str
    why: str = ""
    subject: str = "host"


def exactly(path: str, number: int, absent: str, why: str = "", subject: str = "host") -> Knob:
    """The knob that must hold one number and no other."""
    return Knob(path, lambda found: found == number, number, str(number), absent, why, subject)


def look(host: Host, knob: Knob) -> Finding:
    """The finding for a knob; unknown where its file holds no whole number."""
    reading = host.read(knob.path)
    if not reading.ok:
        return unread(host, reading, knob.expected, knob.absent, knob.subject)
    try:
        number = int(reading.value)
    except ValueError:
        return unknown(
            f"{knob.path}: found {reading.value!r}, expected a whole number",
            knob.subject,
            expected=knob.expected,
            actual=reading.value,
            paths=(knob.path,),
        )
    fits = knob.fits(number)
    return judged(
        fits,
        reading,
        knob.expected,
        subject=knob.subject,
        parsed=number,
        reason="" if fits else knob.why,
        fix=(write_command(str(knob.new), knob.path),),
        undo=(write_command(reading.value, knob.path),),
    )


def changes(setting: str, host: Host, knobs: Iterable[Knob]) -> Iterable[Change]:
    """One write for each knob that deviates."""
    for knob in knobs:
        if look(host, knob).conformity is Conformity.DEVIATES:
            yield Change(setting, "file", knob.path, str(knob.new), knob.subject)
