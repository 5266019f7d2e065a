"""Prints the dearest commands at the default limits: make dearest, or python -m tests.dearest.

Every command is sent to every adversary's book, as large as a configuration that names no limits
lets it be. CPU time ranks them. The dearest are then counted by callgrind and timed again. A book
and a command stand in one line only, so that ten lines say ten things.
"""

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.dearest import counting
from tests.dearest.adversaries import ADVERSARIES
from tests.dearest.commands import COMMANDS
from tests.dearest.counting import Case
from tests.dearest.known import STEPS_MAX, kind_of
from tests.dearest.opening import Size, room_of

from ironpit.common.output import table
from ironpit.config.schema import Instrument, Limits

HEADER = ["command", "book", "instructions", "events", "CPU µs", "lowest", "highest"]


def default_size() -> Size:
    """What a configuration has that names no limits."""
    limits, instrument = Limits(), Instrument(symbol="ANY")
    size = Size(
        0,
        limits.instruments_max,
        instrument.followers_max,
        instrument.min_quantity_max,
        STEPS_MAX,
        limits.user_refs_max.bit_length() - 1,
        limits.step_actions_max,
    )
    return size._replace(orders=limits.orders_max - room_of(size))


def ranked(size: Size, directory: Path) -> list[Case]:
    """All pairs, the dearest first by CPU time. Their openings are not kept."""
    found: list[tuple[int, Case]] = []
    for book in ADVERSARIES:
        cases = counting.cases_of(book, COMMANDS, size)
        times = counting.clock(cases, directory)
        found += [(ns, case._replace(opening=b"")) for ns, case in zip(times, cases, strict=True)]
        print(f"{max(times) / 1e3:>10,.0f} µs at most: {book}", flush=True)
    return [case for _, case in sorted(found, key=lambda item: -item[0])]


def picked(cases: Iterable[Case], rows: int, bounded: bool) -> list[tuple[str, str]]:
    """The dearest, each book and each command once."""
    books, commands, pairs = set(), set(), []
    for case in cases:
        is_bounded = kind_of(case.book, case.command) is None
        if is_bounded != bounded or case.book in books or case.command in commands:
            continue
        books.add(case.book)
        commands.add(case.command)
        pairs.append((case.book, case.command))
    return pairs[:rows]


def rows_of(
    pairs: list[tuple[str, str]], size: Size, rounds: int, directory: Path
) -> list[list[str]]:
    cases = [case for book, command in pairs for case in counting.cases_of(book, [command], size)]
    counts = counting.count(cases, directory)
    times = [counting.clock(cases, directory) for _ in range(rounds)]
    rows = []
    for index, count in sorted(enumerate(counts), key=lambda item: -item[1].instructions):
        found = [each[index] / 1e3 for each in times]
        spread = (statistics.median(found), min(found), max(found))
        row = [count.command, count.book, f"{count.instructions:,}", f"{count.events:,}"]
        rows.append([*row, *(f"{us:,.0f}" for us in spread)])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10, help="of each table")
    parser.add_argument("--rounds", type=int, default=5, help="that CPU time is taken in")
    parser.add_argument("--orders", type=int, help="that live, instead of the default limit's")
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("found no valgrind, expected it on the path: apt-get install valgrind")
    size = default_size()
    if given.orders is not None:
        size = size._replace(orders=given.orders)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        cases = ranked(size, directory)
        for bounded, title in ((True, "whose cost has a bound"), (False, "without one")):
            rows = rows_of(picked(cases, given.rows, bounded), size, given.rounds, directory)
            print(f"\nThe dearest commands {title}, at {size.orders:,} live orders:\n")
            print(table(rows, HEADER))


if __name__ == "__main__":
    main()
