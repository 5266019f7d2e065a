"""`ironpit config check FILE`, `ironpit config diff A B`."""

import argparse
from pathlib import Path

from ironpit.cli.output import write_json
from ironpit.errors import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="name every wrong value of a configuration")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--json", action="store_true", help="print the problems as JSON")
    diff = actions.add_parser("diff", help="show the keys in which two configurations differ")
    diff.add_argument("a", type=Path, metavar="A")
    diff.add_argument("b", type=Path, metavar="B")
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
        write_json({"schema": 1, "problems": msgspec.to_builtins(error.problems)}, "-")
        return Exit.USAGE
    if arguments.json:
        write_json({"schema": 1, "problems": []}, "-")
    else:
        processes = config.placement.processes
        threads = sum(len(process.threads) for process in processes.values())
        print(
            f"{arguments.file}: valid; venue {config.venue.name}, "
            f"{len(config.instruments)} instruments, {len(config.sessions)} sessions, "
            f"{threads} thread(s) in {len(processes)} process(es)"
        )
    return Exit.OK


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
