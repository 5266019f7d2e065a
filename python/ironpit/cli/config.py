"""`ironpit config check FILE`, `ironpit config diff A B`."""

import argparse
import sys
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ironpit.common.errors import Exit
from ironpit.common.output import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironpit.config import Config
    from ironpit.venue import host_check as hosted

Remark = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="name every wrong value of a configuration")
    check.add_argument("file", type=Path, metavar="FILE", help="the configuration")
    check.add_argument(
        "--this-host",
        action="store_true",
        help="exit with 3 if this host lacks an interface, a route, an address, a certificate, a "
        "memory node or room for locked memory that the file asks for, or if the credentials are "
        "not as `ironpit run` wants them (without this option such "
        "a lack is only a warning, because the file may be for another host)",
    )
    check.add_argument("--json", action="store_true", help="print the problems as JSON")
    diff = actions.add_parser("diff", help="show the keys in which two configurations differ")
    diff.add_argument("a", type=Path, metavar="A", help="the first configuration")
    diff.add_argument("b", type=Path, metavar="B", help="the second configuration")
    diff.add_argument("--json", action="store_true", help="print the differences as JSON")


def run(arguments: argparse.Namespace) -> int:
    return _check(arguments) if arguments.action == "check" else _diff(arguments)


def _check(arguments: argparse.Namespace) -> int:
    import msgspec

    from ironpit.config import ConfigError, load

    try:
        config = load(arguments.file)
    except ConfigError as error:
        if not arguments.json:
            raise
        problems = msgspec.to_builtins(error.problems)
        write_json({"schema": 1, "problems": problems, "warnings": [], "notes": []}, "-")
        return Exit.USAGE
    warnings, notes = _remarks(arguments.file, config)
    if arguments.json:
        write_json({"schema": 1, "problems": [], "warnings": warnings, "notes": notes}, "-")
    else:
        for what, remarks in (("warning", warnings), ("note", notes)):
            for one in remarks:
                print(
                    f"{one['file']}:{one['line']}: {what}: {one['key']}: {one['text']}",
                    file=sys.stderr,
                )
        processes = config.placement.processes
        threads = sum(len(process.threads) for process in processes.values())
        print(
            f"{arguments.file}: valid; venue {config.venue.name}, "
            f"{len(config.instruments)} instruments, {len(config.sessions)} sessions, "
            f"{threads} thread(s) in {len(processes)} process(es)"
        )
    return Exit.REFUSED if warnings and arguments.this_host else Exit.OK


def _remarks(file: Path, config: "Config") -> tuple[list[Remark], list[Remark]]:
    """What this host lacks, and what is not made as it is written; in the order of the file."""
    from ironpit.config.reader import Reader
    from ironpit.config.schema import Config
    from ironpit.venue import host_check as hosted

    reader = Reader(file)
    reader.read(Config)

    def placed(remarks: "Iterator[hosted.Remark]") -> list[Remark]:
        found = [
            {"file": str(file), "line": reader.line_of(key), "key": key, "text": text}
            for key, text in remarks
        ]
        return sorted(found, key=itemgetter("line"))

    return placed(hosted.doubts(config)), placed(hosted.roundings(config))


def _diff(arguments: argparse.Namespace) -> int:
    import msgspec

    from ironpit.config import read
    from ironpit.config.diff import changes

    found = changes(read(arguments.a), read(arguments.b))
    if arguments.json:
        write_json({"schema": 1, "changes": msgspec.to_builtins(found)}, "-")
    else:
        for change in found:
            print(change)
    return Exit.OK
