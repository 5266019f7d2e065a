"""`ironpit credentials set USER`: the password comes from the terminal or from standard input."""

import argparse
import getpass
import sys
from pathlib import Path

from ironpit.common.errors import Exit, UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    setter = actions.add_parser("set", help="set or change a member's password")
    setter.add_argument("user", metavar="USER", help="the member's user name")
    place = setter.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="the venue's configuration"
    )
    place.add_argument("--file", type=Path, metavar="FILE", help="the credentials file itself")


def run(arguments: argparse.Namespace) -> int:
    from ironpit.config import load
    from ironpit.venue import credentials

    user = arguments.user.upper()
    file = arguments.file
    if file is None:
        config = load(arguments.config)
        file = config.credentials
        members = [session.username for session in config.sessions]
        if user not in members:
            raise UserError(
                f"{arguments.config}: sessions: found no {user}, expected one of "
                f"{', '.join(members)}",
                Exit.USAGE,
            )
    try:
        credentials.set_password(file, user, ask_password(user))
    except ValueError as error:
        raise UserError(f"{user}: {error}", Exit.USAGE) from error
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", Exit.USAGE) from error
    print(f"{file}: password of {user} set")
    return Exit.OK


def ask_password(whose: str) -> str:
    """From the terminal, without echo and twice, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"password of {whose}: ")
    if getpass.getpass("again: ") != password:
        raise UserError("the passwords differ", Exit.USAGE)
    return password
