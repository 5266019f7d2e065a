"""Counts what the matching core executes for each message, by groups of its functions.

    make profile ARGS="--json FILE --compare FILE"

It runs queued messages of a generated market through the core alone, under callgrind, and counts
instructions, branches, mispredicted ones (by callgrind's own predictor) and first-level cache
misses (of a cache of fixed size). These figures are the same in each run and do not depend on what
else the machine does; they depend on the compiler and its options. --compare FILE prints them
beside those that another build left behind with --json.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from tools import callgrind

from ironcore.bench.match_workloads import from_operations
from ironpit.bench.workloads import subjects
from ironpit.common.output import table

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "ironpit-core-profile-1"
BATCH = "__pyx_f_8ironcore_6engine_5batch_batch_apply"
SESSIONS, SEED = 4, 1
LIMITS = ("instruments_max", "sessions_max", "orders_max", "user_ref_bits")
# Fixed, so that figures of two machines can be compared: size, ways, bytes of a line.
CACHES = ("--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64")
COLUMNS = {
    "instructions": ("Ir",),
    "conditional branches": ("Bc",),
    "indirect calls": ("Bi",),
    "mispredicted": ("Bcm", "Bim"),
    "D1 misses": ("D1mr", "D1mw"),
}
# What the names of a group's functions begin with; the first one that fits.
GROUPS = {
    "ironcore.book.price_levels": "price tree",
    "iron_lowest_bit": "price tree",
    "ironcore.book.order_pool": "orders and their queues",
    "ironcore.engine.orders": "orders and their queues",
    "ironcore.engine.order_exit": "orders and their queues",
    "ironcore.book.book.event": "events",
    "ironcore.engine.engine.engine_emit": "events",
    "iron_word": "events",
    "mem": "events",
    "ironcore.book.execution": "match",
    "ironcore.book.book.book_match": "match",
    "ironcore.book.book._fill": "match",
    "ironcore.engine.aggressor": "match",
    "ironcore.engine.order_commands.plain_trade": "match",
    "ironcore.engine.order_commands._trade": "match",
    "ironcore.book": "book and prices",
    "ironcore.engine.batch": "batch and dispatch",
    "ironcore.engine.books_ahead": "batch and dispatch",
    "ironcore.engine.commands": "batch and dispatch",
    "ironcore.engine.dispatch": "batch and dispatch",
    "ironcore.engine.member_commands": "batch and dispatch",
    "ironcore.engine.order_commands": "enter and replace",
    "ironcore.engine.used_numbers": "enter and replace",
    "ironcore.engine.engine": "enter and replace",
    "ironcore.engine.cancel_commands": "cancel",
}
OTHERS = "others"

DRIVER = """
import sys
import numpy as np
from ironcore.engine.matching_engine import MatchingEngine

found = np.load(sys.argv[1])
core = MatchingEngine(*found["limits"].tolist())
core.apply_batch(found["opening"])
core.apply_batch(found["messages"])
"""


def readable(symbol: str) -> str:
    """`ironcore.book.price_levels.levels_take` for what Cython calls
    `__pyx_f_8ironcore_4book_12price_levels_levels_take`."""
    rest, parts = symbol.removeprefix("__pyx_f_"), []
    while rest[:1].isdigit() and rest != symbol:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        end = len(digits) + int(digits)
        parts.append(rest[len(digits) : end])
        rest = rest[end + 1 :]
    # gcc marks what it made of a function: `.part.0`, `.constprop.1`.
    return ".".join([*parts, rest.split(".")[0]])


def group_of(function: str) -> str:
    return next((group for name, group in GROUPS.items() if function.startswith(name)), OTHERS)


def write_workload(name: str, messages: int, tick_size: int, path: Path) -> None:
    """The commands as arrays; 0: the instrument has the market's own tick size."""
    (subject,) = subjects([name], SESSIONS, messages, SEED, None)
    workload = subject.workload
    if tick_size:
        flow = subject.market.flow
        ticks = [tick_size] * len(flow.symbols)
        workload = from_operations(
            name, flow.operations, SESSIONS, ticks, subject.orders_max, subject.market.opening
        )
    records = np.asarray(workload.records)
    sizes = records.view("<u2")
    at = 0
    for _ in range(workload.opening):
        at += int(sizes[at // 2 + 1])
    np.savez(
        path,
        limits=np.array([workload.limits[key] for key in LIMITS], np.uint32),
        opening=records[:at],
        messages=records[at:],
    )


def run(workload: Path, out: Path) -> None:
    """The second batch alone is counted: the first one opens the venue."""
    command = ["valgrind", "-q", "--tool=callgrind", "--cache-sim=yes", "--branch-sim=yes", *CACHES]
    command += ["--dump-line=yes", "--compress-pos=no", "--compress-strings=no"]
    command += [f"--toggle-collect={BATCH}", f"--zero-before={BATCH}"]
    command += [f"--callgrind-out-file={out}", sys.executable, "-c", DRIVER, str(workload)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or not out.exists():
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")


def report_of(functions: dict[str, Counter[str]], workload: str, messages: int) -> dict[str, Any]:
    """The events a message, of all, of each group and of each function."""

    def a_message(events: Counter[str]) -> dict[str, float]:
        return {
            column: round(sum(events[name] for name in names) / messages, 3)
            for column, names in COLUMNS.items()
        }

    groups: dict[str, Counter[str]] = {}
    named: dict[str, Counter[str]] = {}
    for symbol, events in functions.items():
        name = readable(symbol)
        named.setdefault(name, Counter()).update(events)
        groups.setdefault(group_of(name), Counter()).update(events)
    total: Counter[str] = Counter()
    for events in groups.values():
        total.update(events)

    def largest_first(found: dict[str, Counter[str]]) -> dict[str, dict[str, float]]:
        ordered = sorted(found.items(), key=lambda item: (-item[1]["Ir"], item[0]))
        return {name: a_message(events) for name, events in ordered}

    return {
        "schema": SCHEMA,
        "workload": workload,
        "messages": messages,
        "machine": platform.machine(),
        "total": a_message(total),
        "groups": largest_first(groups),
        "functions": largest_first(named),
    }


def _row(name: str, now: dict[str, float], before: dict[str, float] | None) -> list[str]:
    row = [name]
    for column in COLUMNS:
        if before is not None:
            row.append(f"{before.get(column, 0):.2f}")
        row.append(f"{now.get(column, 0):.2f}")
    return row


def text_of(report: dict[str, Any], before: dict[str, Any] | None, functions: int) -> str:
    """The table, with the figures of the other build in front of each of these."""
    header = [""]
    for column in COLUMNS:
        header += ["before", column] if before is not None else [column]
    names = list(report["groups"])
    if before is not None:
        names += [name for name in before["groups"] if name not in report["groups"]]
    rows = [
        _row(
            name,
            report["groups"].get(name, {}),
            before["groups"].get(name, {}) if before is not None else None,
        )
        for name in names
    ]
    rows.append(_row("all", report["total"], before["total"] if before is not None else None))
    found = [f"{report['messages']:,} messages of {report['workload']}, queued; for each message:"]
    found.append(table(rows, header))
    if functions:
        largest = list(report["functions"].items())[:functions]
        found.append(table([_row(name, now, None) for name, now in largest], ["", *COLUMNS]))
    return "\n".join(found)


def read_report(path: Path, workload: str, messages: int) -> dict[str, Any]:
    """What another build left behind, of the same workload."""
    found: dict[str, Any] = json.loads(path.read_text())
    expected = {"schema": SCHEMA, "workload": workload, "messages": messages}
    for key, value in expected.items():
        if found.get(key) != value:
            raise SystemExit(f"{path}: {key}: found {found.get(key)!r}, expected {value!r}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workload", default="swing40", help="a market of `ironpit bench match`")
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument(
        "--tick-size",
        type=int,
        default=0,
        help="of the instrument, a divisor of the market's own, which is the default",
    )
    parser.add_argument("--functions", type=int, default=0, help="the largest so many by name")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--compare", type=Path, help="a report of another build")
    given = parser.parse_args()
    name = f"{given.workload}, ticks of {given.tick_size}" if given.tick_size else given.workload
    before = read_report(given.compare, name, given.messages) if given.compare else None
    if shutil.which("valgrind") is None:
        raise SystemExit("found no valgrind, expected it on the path: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as directory:
        workload, out = Path(directory) / "workload.npz", Path(directory) / "callgrind.out"
        write_workload(given.workload, given.messages, given.tick_size, workload)
        run(workload, out)
        with out.open() as lines:
            places = callgrind.read(lines)
    report = report_of(callgrind.by_function(places, ROOT), name, given.messages)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    print(text_of(report, before, given.functions))


if __name__ == "__main__":
    main()
