"""Counts the machine instructions of single commands, by callgrind.

All cases run in one child process: each makes a core, applies what opens it in one batch, and then
the one command, alone, through `engine_apply`. callgrind counts from the entry of that function to
its end, and writes a part for each. The counts are the same in each run and do not depend on what
else the machine does; they depend on the compiler and its options.

There is no performance counter on many a virtual machine, and to step a child through its
instructions with ptrace takes a microsecond and more for each of them: a thousand times as long.
To start Python under callgrind takes ten seconds and more, and a case some hundredths of one: so
that cases are counted together.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tests.dearest.adversaries import ADVERSARIES
from tests.dearest.commands import COMMANDS
from tests.dearest.opening import Opening, Size
from tests.model import records as r

ROOT = Path(__file__).resolve().parents[2]
APPLY = "__pyx_f_8ironcore_6engine_8dispatch_engine_apply"
CHILD = Path(__file__).with_name("child.py")


class CountError(RuntimeError):
    """A child did not do what it was to do; the message says what."""


class Case(NamedTuple):
    """One command sent to one book."""

    book: str
    command: str
    limits: r.Limits
    steps: int
    sharers: int
    opening: bytes
    record: bytes
    is_random: bool = False  # its opening may ask for what is refused


class Count(NamedTuple):
    """What the command of a case took."""

    book: str
    command: str
    instructions: int
    events: int
    cpu_ns: int  # means nothing under callgrind

    def __str__(self) -> str:
        return f"{self.instructions:>12,} instructions: {self.command}; {self.book}"


def case_of(book: str, command: str, opening: Opening, records: bytes = b"") -> Case:
    """`records` are the opening's, where they are at hand."""
    numbers = dict(opening.numbers)
    record = COMMANDS[command](opening)
    opening.numbers = numbers
    size = opening.size
    records = records or opening.records
    return Case(book, command, opening.limits, size.steps, size.sharers, records, record)


def cases_of(book: str, commands: Iterable[str], size: Size) -> list[Case]:
    """Commands sent to one adversary's book."""
    opening = ADVERSARIES[book](size)
    records = opening.records
    return [case_of(book, command, opening, records) for command in commands]


def _write(cases: Sequence[Case], path: Path) -> None:
    """An opening that several cases share stands in the file once."""
    openings = {id(case.opening): case.opening for case in cases}
    places = {key: number for number, key in enumerate(openings)}
    np.savez(
        path,
        openings=np.frombuffer(b"".join(openings.values()), np.uint8),
        openings_bytes=np.array([len(opening) for opening in openings.values()], np.int64),
        opening=np.array([places[id(case.opening)] for case in cases], np.int64),
        records=np.frombuffer(b"".join(case.record for case in cases), np.uint8),
        records_bytes=np.array([len(case.record) for case in cases], np.int64),
        limits=np.array([case.limits for case in cases], np.int64),
        steps=np.array([(case.steps, case.sharers) for case in cases], np.int64),
    )


def _run(command: list[str]) -> list[list[int]]:
    """What the child says of each case: its number, orders refused, status, events, CPU time."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CountError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _checked(cases: Sequence[Case], said: list[list[int]]) -> None:
    if len(said) != len(cases):
        raise CountError(f"the child ran {len(said)} cases, expected {len(cases)}")
    for case, (_, refused, status, *_) in zip(cases, said, strict=True):
        if refused and not case.is_random:
            raise CountError(f"{case.book}: {refused} commands of the opening had no effect")
        if status == r.MALFORMED:
            raise CountError(f"{case.command}; {case.book}: the command is malformed")


def _totals(path: Path) -> list[int]:
    """Instructions of each part that callgrind wrote, in order."""
    with path.open() as lines:
        return [int(line.split()[1]) for line in lines if line.startswith("totals:")]


def count(cases: Sequence[Case], directory: Path) -> list[Count]:
    """In the order of the cases."""
    given, out = directory / "cases.npz", directory / "callgrind.out"
    _write(cases, given)
    command = ["valgrind", "-q", "--tool=callgrind", "--combine-dumps=yes", "--dump-line=no"]
    command += [f"--toggle-collect={APPLY}", f"--dump-after={APPLY}"]
    command += [f"--callgrind-out-file={out}", sys.executable, str(CHILD), str(given)]
    said = _run(command)
    _checked(cases, said)
    totals = _totals(out)
    if len(totals) < len(cases):
        raise CountError(f"{out}: found {len(totals)} parts, expected {len(cases)} at least")
    return [
        Count(case.book, case.command, total, events, cpu_ns)
        for case, total, (*_, events, cpu_ns) in zip(cases, totals, said, strict=False)
    ]


def clock(cases: Sequence[Case], directory: Path) -> list[int]:
    """CPU time of each command in ns, without callgrind. For tables, never for a test."""
    given = directory / "cases.npz"
    _write(cases, given)
    said = _run([sys.executable, str(CHILD), str(given)])
    _checked(cases, said)
    return [line[-1] for line in said]
