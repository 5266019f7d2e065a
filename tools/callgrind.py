"""Reads what callgrind writes: the events of each line of code, and the C function that it is of.

gcc puts a function's code into those that call it, and callgrind names the outermost one. The line
tells which function of the C file an instruction came from.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# In generated C a definition is one line, and ends with a brace that is indented as it is.
DEFINED = re.compile(r"^(\s*)static [^(=;]*?(\w+)\([^;{]*\) \{")
NAMED = re.compile(r"^(\w+)=(.*)$")
CALLED = ("cfi", "cfl", "cfn", "cob")


@dataclass(frozen=True)
class Place:
    """Where an instruction is: `symbol` is the function that callgrind names."""

    file: str
    line: int
    symbol: str


def read(lines: Iterable[str]) -> dict[Place, Counter[str]]:
    """The events of each place, its callees' not included, from a file that was written with
    --compress-pos=no --compress-strings=no."""
    names: list[str] = []
    found: dict[Place, Counter[str]] = {}
    file = symbol = ""
    is_call = False
    for text in lines:
        line = text.rstrip("\n")
        if line.startswith("events:"):
            names = line.split()[1:]
        elif line[:1].isdigit():
            at, *counts = (int(number) for number in line.split())
            if not is_call:
                place = Place(file, at, symbol)
                found.setdefault(place, Counter()).update(dict(zip(names, counts, strict=False)))
            is_call = False
        elif named := NAMED.match(line):
            key, value = named.groups()
            is_call = key == "calls"
            if key in ("fl", "fi", "fe"):
                file = value
            elif key == "fn":
                symbol = value
            elif key not in ("ob", "calls", *CALLED):
                raise ValueError(f"found {line!r}, expected a line of callgrind's output")
    return found


class Functions:
    """The functions of one C file, by line."""

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._names: list[str] = []
        end = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if end:
                if line == end:
                    self._add(number + 1, "")
                    end = ""
            elif found := DEFINED.match(line):
                self._add(number, found[2])
                if line.rstrip().endswith("}"):
                    self._add(number + 1, "")
                else:
                    end = f"{found[1]}}}"

    def _add(self, line: int, name: str) -> None:
        self._starts.append(line)
        self._names.append(name)

    def at(self, line: int) -> str:
        """The name of the function that this line is of; empty between functions."""
        index = bisect_right(self._starts, line) - 1
        return self._names[index] if index >= 0 else ""


def by_function(places: dict[Place, Counter[str]], root: Path) -> dict[str, Counter[str]]:
    """The events of each function, its callees' not included: C functions by the lines of their
    files, which are below root, all others by the symbol."""
    files: dict[str, Functions | None] = {}
    found: dict[str, Counter[str]] = {}
    for place, events in places.items():
        if place.file not in files:
            path = root / place.file
            is_ours = path.suffix == ".c" and path.is_file()
            files[place.file] = Functions(path.read_text()) if is_ours else None
        functions = files[place.file]
        name = (functions.at(place.line) if functions else "") or place.symbol
        found.setdefault(name, Counter()).update(events)
    return found
