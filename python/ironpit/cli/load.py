"""`ironpit load`: order flow into a running venue."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ironpit.cli.arguments import (
    add_config_argument,
    add_flow_arguments,
    add_json_argument,
    pace_of,
    positive,
)
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import Progress, show_count, show_ns, table, write_json

if TYPE_CHECKING:
    from ironpit.client.load import Member
    from ironpit.config import Instrument
    from ironpit.flow import Flow
    from ironpit.flow.generator import Traded

PASSWORDS = """\
The FILE of --passwords has one line USER: PASSWORD for each order session, and only its owner may
have the right to read it. Without this option, one password for all sessions is read from the
terminal or from standard input."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_flow_arguments(parser)
    parser.add_argument(
        "--sessions",
        type=positive,
        metavar="N",
        help="use only the first N sessions of the configuration (default: all)",
    )
    parser.add_argument(
        "--passwords", type=Path, metavar="FILE", help="the members' passwords (see below)"
    )
    add_json_argument(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{PASSWORDS}\n\n{parser.epilog}"


def run(arguments: argparse.Namespace) -> int:
    from ironpit import config
    from ironpit.client import LoginError
    from ironpit.client.load import LoadError, run_load
    from ironpit.config import gateways
    from ironpit.demo.session import Options, flow_of

    venue = config.load(arguments.config)
    sessions = venue.sessions[: arguments.sessions]
    if arguments.sessions and len(sessions) < arguments.sessions:
        raise UserError(
            f"--sessions: found {arguments.sessions}, expected at most the "
            f"{len(sessions)} of {arguments.config}",
            Exit.USAGE,
        )
    named = _members([session.username for session in sessions], arguments.passwords)
    members = [
        replace(member, venue=gateways.of_session(venue, session).settings.listen)
        for member, session in zip(named, sessions, strict=True)
    ]
    options = Options(
        orders=arguments.orders, sessions=len(sessions), messages_max=arguments.messages
    )
    with Progress() as progress:
        flow = flow_of(options, progress.show, traded_of(venue.instruments))
        check_decimals(venue.instruments, flow, arguments)
        total = len(flow.operations)
        try:
            result = run_load(
                venue.order_entry.listen,
                members,
                flow,
                pace_of(arguments),
                lambda done: progress.show("sending", done, total),
            )
        except (LoadError, LoginError) as error:
            raise UserError(str(error)) from error
        except OSError as error:
            where = ", ".join(dict.fromkeys(str(member.venue) for member in members))
            raise UserError(f"{where}: {error.strerror}") from error
    document = {**result.as_json(), "messages": result.messages, "counts": result.counts}
    if arguments.json:
        write_json({"schema": 1, **document}, arguments.json)
    if arguments.json != "-":
        latency = result.order_to_ack_ns()
        rows = [[name, show_count(count)] for name, count in result.counts.items()]
        rows += [["messages a second", show_count(result.throughput_per_s)]]
        rows += [[name.replace("_", "."), show_ns(value)] for name, value in latency.items()]
        print(table(rows))
    return Exit.OK if result.complete else Exit.FAILED


def traded_of(instruments: "tuple[Instrument, ...]") -> "Traded":
    """What the generated flow trades, by the ticks, lots and price range that the venue's file
    gives it."""
    from ironpit.flow.generator import BTCUSD, LOTS_MAX, Traded

    found = next((one for one in instruments if one.symbol == BTCUSD.symbol), None)
    if found is None:
        return BTCUSD
    tick_size = found.tick_table[-1].tick_size if found.tick_table else found.tick_size
    usual = BTCUSD.mid_ticks * BTCUSD.tick_size * 10**found.price_decimals
    mid = usual // 10**BTCUSD.decimals.price
    if not found.price_min < mid < found.price_max:
        mid = (found.price_min + found.price_max) // 2
    lots = max(1, min(BTCUSD.lot, found.quantity_max // (LOTS_MAX * found.lot_size)))
    lot = lots * found.lot_size
    return Traded(
        found.symbol,
        found.decimals,
        tick_size,
        lot,
        mid // tick_size,
        -(-found.price_min // tick_size),
        found.price_max // tick_size,
    )


def check_decimals(
    instruments: "tuple[Instrument, ...]", flow: "Flow", arguments: argparse.Namespace
) -> None:
    """The numbers of an ITCH file mean what its own market's decimals say."""
    for index, one in enumerate(instruments):
        if one.symbol in flow.symbols and one.decimals != flow.decimals:
            raise UserError(
                f"{arguments.config}: instruments[{index}]: found price_decimals: "
                f"{one.price_decimals} and quantity_decimals: {one.quantity_decimals}, expected "
                f"{flow.decimals.price} and {flow.decimals.quantity} as in {arguments.orders}",
                Exit.USAGE,
            )


def _members(usernames: list[str], file: Path | None) -> "list[Member]":
    from ironpit.client.load import Member
    from ironpit.venue.credentials import read_passwords

    if file is None:
        from ironpit.cli.credentials import ask_password

        password = ask_password("all sessions")
        return [Member(username, password) for username in usernames]
    passwords = read_passwords(file)
    missing = [username for username in usernames if username not in passwords]
    if missing:
        raise UserError(f"{file}: found no password of {missing[0]}, expected one", Exit.USAGE)
    return [Member(username, passwords[username]) for username in usernames]
