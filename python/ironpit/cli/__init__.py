"""The command `ironpit`.

Exit codes: 0 the command did what was asked; 1 it ran and the result is not what was asked for;
2 wrong arguments or configuration; 3 the host or another process refuses something required.

Each command is a module of this package with `add_arguments` and `run`. What a command needs is
imported when it runs, so that `ironpit --help` answers at once.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

from ironpit import __version__
from ironpit.common.errors import Exit, UserError

COMMANDS = {
    "run": "run the venue until SIGTERM or Ctrl-C",
    "demo": "start a venue, feed it orders, prove its books and show its latency",
    "load": "send orders to a running venue and measure order to acknowledgement",
    "feed": "subscribe to a venue's market data, build its books and record it",
    "bridge": "carry a stream from one transport to another",
    "replay": "rebuild books from a journal",
    "stat": "show the counters of a venue, running or dead",
    "doctor": "show what this host offers, what is used of it, and why not",
    "control": "halt, resume and change the instruments of a running venue, or bust trades",
    "config": "check a configuration, or compare two",
    "bench": "measure rings, transports, matching and order to acknowledgement",
    "credentials": "set members' passwords",
}
EPILOG = (
    "exit codes: 0 done, 1 the result is not what was asked for, 2 wrong arguments or a wrong "
    "configuration, 3 a requirement was refused"
)


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ironpit", description="An exchange runtime.", epilog=EPILOG, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"ironpit {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((word for word in argv if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=summary, epilog=EPILOG, allow_abbrev=False
        )
        if name == wanted:
            import_module(f"ironpit.cli.{name}").add_arguments(command)
    return parser


class Terminated(KeyboardInterrupt):
    """SIGTERM, which unwinds a command as Ctrl-C does: what it has started is stopped."""


def _on_terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser(argv).parse_args(argv)
    from ironpit.config import ConfigError
    from ironpit.venue.credentials import CredentialsError

    before = signal.signal(signal.SIGTERM, _on_terminate)
    try:
        return int(import_module(f"ironpit.cli.{arguments.command}").run(arguments))
    except UserError as error:
        print(f"ironpit: {error}", file=sys.stderr)
        return error.code
    except (ConfigError, CredentialsError) as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt as interrupt:
        number = signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT
        print(f"ironpit: stopped by {number.name}", file=sys.stderr)
        return 128 + number
    except BrokenPipeError:
        # The reader of our output has left (`ironpit … | head`): nothing to tell it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    finally:
        signal.signal(signal.SIGTERM, before)
