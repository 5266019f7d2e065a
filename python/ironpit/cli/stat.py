"""`ironpit stat`: the counters of a venue's processes, running or dead."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ironpit.cli.arguments import add_config_argument, add_json_argument
from ironpit.cli.output import show_count, table, write_json
from ironpit.errors import Exit, UserError

if TYPE_CHECKING:
    from ironcore.base.counters import CountersReader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument(
        "--watch",
        type=float,
        nargs="?",
        const=1.0,
        metavar="S",
        help="look again every S seconds (1) and show rates, until Ctrl-C",
    )
    parser.add_argument("--all", action="store_true", help="show counters that are zero as well")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from ironcore.base.counters import CountersError, CountersReader
    from ironpit import config

    directory = config.load(arguments.config).venue.data_directory
    files = sorted(directory.glob("counters-*.dat"))
    if not files:
        raise UserError(f"{directory}: found no counters, expected those of a venue that ran")
    try:
        readers = [CountersReader(file) for file in files]
    except (CountersError, OSError) as error:
        raise UserError(str(error)) from error
    if arguments.json:
        write_json({"schema": 1, "processes": [_document(r) for r in readers]}, arguments.json)
    if arguments.json == "-":
        return Exit.OK
    if arguments.watch is None:
        print("\n\n".join(_text(reader, arguments.all) for reader in readers))
        return Exit.OK
    return _watch(readers, arguments.watch, arguments.all)


def _document(reader: "CountersReader") -> dict[str, Any]:
    return {
        "process": _name(reader),
        "process_id": reader.process_id,
        "alive": reader.alive,
        "counters": reader.snapshot(),
    }


def _watch(readers: "list[CountersReader]", interval_s: float, everything: bool) -> int:
    from ironpit.lifecycle import Lifecycle

    before = [reader.snapshot() for reader in readers]
    before_s = time.monotonic()
    with Lifecycle() as lifecycle:
        while not lifecycle.wait(interval_s):
            now_s = time.monotonic()
            parts = []
            for i, reader in enumerate(readers):
                now = reader.snapshot()
                rates = {k: (now[k] - before[i].get(k, 0)) / (now_s - before_s) for k in now}
                parts.append(_text(reader, everything, rates))
                before[i] = now
            before_s = now_s
            # Home and clear to the end: the table stays where it is.
            print("\x1b[H\x1b[J" + "\n\n".join(parts), flush=True)
    return Exit.OK


def _text(reader: "CountersReader", everything: bool, rates: dict[str, float] | None = None) -> str:
    about = reader.describe()
    state = "running" if reader.alive else "dead"
    rows = []
    for name, value in reader.snapshot().items():
        if not value and not everything:
            continue
        rate = [show_count(rates[name])] if rates is not None else []
        # The explanation goes last and to the left, so it is not part of the aligned columns.
        rows.append([name, show_count(value), *rate, about[name][1]])
    header = ["counter", "value", *(["a second"] if rates is not None else [])]
    body = table([row[:-1] for row in rows], header) if rows else "all counters are zero"
    lines = body.splitlines()
    for i, row in enumerate(rows):
        lines[i + 2] += f"  {row[-1]}"
    return f"{_name(reader)} (process {reader.process_id}, {state})\n" + "\n".join(lines)


def _name(reader: "CountersReader") -> str:
    """Of the process in the placement: its file is counters-NAME.dat."""
    return Path(reader.path).stem.removeprefix("counters-")
