"""The command `tune-host`: reads the options, and hands over to one module a command."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from host_tuning import __version__
from host_tuning.checking.check import EXIT_ERROR
from host_tuning.commands.options import refuse_untaken
from host_tuning.common import output
from host_tuning.common.errors import ToolError

EPILOG = """\
exit codes of --check and --verify: 0 all required checks pass, 1 the tool could not do what was
asked, 2 a required check fails, 3 a required check is unknown and --strict was given
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors exit with 1: 2 means that a check failed."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_ERROR, f"{self.prog}: {message}\n")


COMMANDS = {
    "check": "judge the host; nothing is written",
    "plan": "print what --apply would write",
    "apply": "make the host fit and keep an undo log; needs root, except with --root",
    "verify": "check that the host still has the values that --apply wrote",
    "list": "list all settings",
    "hold": "keep the CPUs out of deep idle states until Ctrl-C, or while CMD runs (-- CMD)",
}


def _commands(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to do (one of these)").add_mutually_exclusive_group()
    for name, text in COMMANDS.items():
        group.add_argument(f"--{name}", action="store_const", const=name, dest="command", help=text)
    group.add_argument(
        "--rollback",
        nargs="?",
        const="last",
        metavar="RUN",
        help="take back the run with this id, the last one (default) or all",
    )
    group.add_argument(
        "--explain", metavar="ID", help="say what a setting is, why it matters and how to set it"
    )
    group.add_argument(
        "--jitter",
        type=float,
        metavar="SECONDS",
        help="measure the time that the host takes from the hot CPUs",
    )
    group.add_argument(
        "--perf",
        type=float,
        metavar="SECONDS",
        help="count the hot CPUs' hardware events with perf stat",
    )


def _targets(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("for which host")
    group.add_argument("--config", type=Path, metavar="FILE", help="a host file or a venue file")
    group.add_argument("--cpus", metavar="LIST", help="the hot CPUs, such as 2-5")
    group.add_argument("--housekeeping", metavar="LIST", help="the CPUs for everything else")
    group.add_argument(
        "--interface",
        action="append",
        default=[],
        metavar="IF",
        help="an interface of the venue (repeatable)",
    )
    group.add_argument(
        "--profile", metavar="NAME", help="the kind of host (default: the one that suits this host)"
    )
    group.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="judge a captured tree instead of this host",
    )


def _choices(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID",
        help="take this setting only (repeatable)",
    )
    group.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="ID",
        help="leave this setting out (repeatable)",
    )
    group.add_argument(
        "--strict", action="store_true", help="exit with 3 when a required check is unknown"
    )
    group.add_argument("--json", action="store_true", help="the same as --format json")
    group.add_argument(
        "--format",
        choices=("table", "json", "latency-audit"),
        default="table",
        help="the form of the report (default table)",
    )
    group.add_argument(
        "--cores", action="store_true", help="with --plan: propose cores for the stages"
    )
    group.add_argument(
        "--dry-run", action="store_true", help="with --apply: print the writes, but write nothing"
    )
    group.add_argument(
        "--force",
        action="store_true",
        help="with --rollback: also restore values that others have changed since",
    )
    group.add_argument(
        "--threshold",
        type=int,
        default=1000,
        metavar="NS",
        help="with --jitter: the shortest gap that counts (default 1000)",
    )
    group.add_argument(
        "--compare",
        type=Path,
        metavar="FILE",
        help="with --jitter: compare with this earlier --json report",
    )
    group.add_argument(
        "--png", type=Path, metavar="FILE", help="with --jitter: draw a histogram into this file"
    )
    group.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="the directory of the undo logs (default /var/lib/tune-host)",
    )
    parser.add_argument("argv", nargs="*", metavar="CMD", help=argparse.SUPPRESS)


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = _Parser(
        prog="tune-host",
        description="Checks, applies and rolls back what makes a Linux host fit for ironpit.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"tune-host {__version__}")
    _commands(made)
    _targets(made)
    _choices(made)
    return made


def command_of(options: argparse.Namespace) -> str:
    """The name of the module in host_tuning.commands that does what was asked."""
    for name in ("rollback", "explain", "jitter", "perf"):
        if getattr(options, name) is not None:
            return name
    return options.command or ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    output.take_any_encoding()
    made = parser()
    options = made.parse_args(argv)
    name = command_of(options)
    if options.argv and name != "hold":
        made.error(f"found {' '.join(options.argv)!r}, expected options only")
    if not name:
        made.print_help()
        return EXIT_ERROR
    try:
        refuse_untaken(name, options, made)
        if options.json:
            options.format = "json"
        # One module a command, so that a check does not pay for importing the others.
        module = importlib.import_module(f"host_tuning.commands.{name}")
        with output.watched():
            return int(module.run(options))
    except ToolError as problem:
        print(f"tune-host: {problem}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("tune-host: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read it has seen enough
        return EXIT_ERROR
