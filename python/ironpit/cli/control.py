"""`ironpit control`: states, halts, changes and busts of a venue that runs."""

import argparse
import re
from typing import TYPE_CHECKING, Any

from ironpit.cli.arguments import ALL, add_config_argument, add_json_argument, positive
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import write_json

if TYPE_CHECKING:
    from ironpit.cli.targets import Targets
    from ironpit.operate.control import Control, Outcome

STATES = (
    "pre-open",
    "opening-auction",
    "continuous",
    "halted",
    "paused",
    "quote-only",
    "closing-auction",
    "trade-at-close",
    "closed",
)
NAMES = """\
The names of instruments and members are those in the venue's stream, even if FILE has changed
since. So a command also takes an instrument that is no longer in the file. `all` means every
instrument of the stream that is not retired. If the command fails for some instruments, it names
them, does the others, and ends with exit code 1."""
SYMBOLS = f"the instrument, or {ALL}"
REASON_CHARACTERS_MAX = 4
DAY_SECONDS = 86_400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_json_argument(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{NAMES}\n\n{parser.epilog}"
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    state = actions.add_parser(
        "state", help="change an instrument's state, with an auction first if one is due"
    )
    state.add_argument("symbols", metavar="SYMBOL", nargs=1, help=SYMBOLS)
    state.add_argument("state", metavar="STATE", choices=STATES, help=f"one of {', '.join(STATES)}")
    end = _add_end(actions)
    halt = actions.add_parser("halt", help="stop trading and the entry of orders")
    resume = actions.add_parser(
        "resume", help="resume continuous trading, with an auction first if one is due"
    )
    for action in (state, end, resume):
        action.add_argument(
            "--force",
            action="store_true",
            help="do not extend an auction whose price is outside its collar",
        )
    for action in (state, end, halt, resume):
        action.add_argument(
            "--reason",
            type=reason,
            default="",
            metavar="CODE",
            help="the reason that is published, in up to four characters",
        )
    for name, summary in (
        ("change", "apply the configuration's present values to an instrument"),
        ("retire", "cancel all orders of an instrument and end it for good"),
        ("add-instrument", "define an instrument that was added to the configuration"),
    ):
        actions.add_parser(name, help=summary).add_argument(
            "symbols",
            metavar="SYMBOL",
            nargs="+",
            help=SYMBOLS if name == "change" else "the instrument",
        )
    for action in (halt, resume):
        action.add_argument("symbols", metavar="SYMBOL", nargs="+", help=SYMBOLS)
    bust = actions.add_parser("bust", help="declare that a trade does not count")
    bust.add_argument("symbols", metavar="SYMBOL", nargs=1, help="the instrument")
    bust.add_argument("match", metavar="MATCH", type=positive, help="the match number of the trade")
    bust.add_argument(
        "orders",
        metavar="USER:REF",
        nargs="+",
        help="the two orders of the trade, each as user name and UserRefNum",
    )
    bust.add_argument(
        "--reason",
        choices="ECSX",
        default="E",
        help="the reason in OUCH's letters: erroneous, consent, supervisory, external (default E)",
    )


def _add_end(actions: Any) -> argparse.ArgumentParser:
    """The action that has the call of an auction end by itself."""
    end: argparse.ArgumentParser = actions.add_parser(
        "end", help="have the call of an auction end by itself, at a random second between two"
    )
    end.add_argument("symbols", metavar="SYMBOL", nargs=1, help=SYMBOLS)
    end.add_argument("first", metavar="FIRST", type=time_of_day, help="HH:MM:SS, in UTC")
    end.add_argument("last", metavar="LAST", type=time_of_day, help="HH:MM:SS, in UTC")
    end.add_argument(
        "--then",
        choices=STATES,
        default="continuous",
        metavar="STATE",
        help="the state that follows (default continuous)",
    )
    end.add_argument(
        "--no-cancel",
        type=seconds,
        default=0,
        metavar="SECONDS",
        help="before FIRST, in which members cannot cancel (default 0)",
    )
    end.add_argument(
        "--extension",
        type=seconds,
        default=0,
        metavar="SECONDS",
        help="that an auction outside its collar goes on (default 0: it does not end by itself)",
    )
    return end


def time_of_day(text: str) -> int:
    """HH:MM:SS as a second of the day."""
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a time as 16:35:00")
    hours, minutes, rest = map(int, match.groups())
    return (hours * 60 + minutes) * 60 + rest


def seconds(text: str) -> int:
    """A whole number of seconds, of one day at most."""
    value = int(text)
    if not 0 <= value <= DAY_SECONDS:
        raise argparse.ArgumentTypeError(f"found {text}, expected 0 to {DAY_SECONDS} seconds")
    return value


def reason(text: str) -> str:
    """A trading action reason of ITCH."""
    if len(text) > REASON_CHARACTERS_MAX or not text.isascii() or not text.isprintable():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected up to four characters")
    return text


def run(arguments: argparse.Namespace) -> int:
    from ironpit import config as configs
    from ironpit.cli.targets import Targets
    from ironpit.operate.control import Control
    from ironpit.venue.stream_names import StreamNames

    config = configs.load(arguments.config)
    if arguments.action == "bust":
        _check_orders(arguments)
    if arguments.action == "end" and arguments.first > arguments.last:
        raise UserError("end: found a FIRST later than LAST, expected it not later", Exit.USAGE)
    # While this operator is there no other one defines or retires an instrument.
    with Control(config) as control:
        targets = Targets(config, StreamNames(config), arguments)
        if arguments.action == "bust":
            _check_bust(control, targets)
        done, failures = _send(control, targets)
    for one in done:
        decimals = targets.decimals(one["symbol"])
        one |= {"price_decimals": decimals.price, "quantity_decimals": decimals.quantity}
    if arguments.json:
        write_json({"schema": 1, "done": done, "failures": failures}, arguments.json)
    if arguments.json != "-":
        for one in done:
            print(f"{one['symbol']}: {arguments.action}: {_told(one['events'])}")
    if failures:
        raise UserError(f"{arguments.action}: {'; '.join(failures)}")
    return Exit.OK


def _send(control: "Control", targets: "Targets") -> tuple[list[dict[str, Any]], list[str]]:
    """What was done, and what failed, instrument by instrument."""
    symbols = targets.symbols
    if not symbols:
        raise UserError(f"{targets.action} {ALL}: the venue's stream has no live instrument")
    if len(symbols) == 1 and not targets.all:
        return _send_one(control, targets, symbols[0]), []
    done: list[dict[str, Any]] = []
    failures: dict[str, list[str]] = {}
    while symbols:
        # A definition depends on the one before it, for instruments are numbered in their order.
        step = 1 if targets.action == "add-instrument" else len(symbols)
        for first in range(0, len(symbols), step):
            for symbol, outcome in _send_some(control, targets, symbols[first : first + step]):
                if isinstance(outcome, UserError):
                    failures.setdefault(str(outcome), []).append(symbol)
                else:
                    done.append({"symbol": symbol, "events": outcome})
        symbols = targets.added()
        targets.symbols += symbols
    return done, [f"{', '.join(failed)}: {why}" for why, failed in failures.items()]


def _send_one(control: "Control", targets: "Targets", symbol: str) -> list[dict[str, Any]]:
    try:
        command = targets.command(symbol)
        for table in targets.take_tables():
            control.send(table)
        return [{"symbol": symbol, "events": control.send(command)}]
    except UserError as error:
        why = targets.explained(symbol, error)
        raise UserError(f"{targets.action} {symbol}: {why}", why.code) from error


def _send_some(
    control: "Control", targets: "Targets", symbols: list[str]
) -> list[tuple[str, "Outcome"]]:
    """What became of each; one that fails keeps none of the others."""
    commands: dict[str, bytes] = {}
    outcomes: list[tuple[str, Outcome]] = []
    for symbol in symbols:
        try:
            commands[symbol] = targets.command(symbol)
        except UserError as error:
            outcomes.append((symbol, error))
    for table in targets.take_tables():
        control.send(table)
        targets.names.observe(table)
    for (symbol, command), outcome in zip(
        commands.items(), control.send_all(list(commands.values())), strict=True
    ):
        if isinstance(outcome, UserError):
            outcomes.append((symbol, targets.explained(symbol, outcome)))
        else:
            outcomes.append((symbol, outcome))
            targets.names.observe(command)
    return outcomes


def _check_orders(arguments: argparse.Namespace) -> None:
    """The form of a trade's two orders; the names are looked up in the stream."""
    for order in arguments.orders:
        user, _, number = order.partition(":")
        if not user or not number.isdecimal():
            raise UserError(f"{order}: expected USER:REF, a user name and a UserRefNum", Exit.USAGE)
    if len(arguments.orders) != 2:
        raise UserError(
            f"found {len(arguments.orders)} orders, expected the two of the trade", Exit.USAGE
        )


def _check_bust(control: "Control", targets: "Targets") -> None:
    """The engine keeps no trades (rule 2.9): what is busted is looked up where they stand."""
    from ironcore.stream.frame_taker import ChosenFrames
    from ironpit.operate.trades import TradeSearch

    arguments, names = targets.arguments, targets.names

    def refused(what: str) -> UserError:
        return UserError(f"bust {arguments.symbols[0]} {arguments.match}: {what}")

    slots = targets.slots()
    bits = names.user_ref_bits
    search = TradeSearch(arguments.match, bits)
    try:
        control.give_stream(ChosenFrames(None, search.take))
    except (ValueError, OSError) as error:
        raise refused(f"its trade cannot be looked up: {error}") from error
    trade = search.trade
    if trade is None:
        raise refused(f"found no trade of this number in {targets.config.journal.directory}")
    if not trade.slots:
        raise refused("found an auction of this number, expected one of its trades")
    symbol = names.symbol(trade.instrument)
    if symbol != arguments.symbols[0]:
        raise refused(f"found a trade in {symbol}, expected one in {arguments.symbols[0]}")
    if sorted(trade.slots) != sorted(slots):
        users = {number: user for user, number in names.sessions.items()}
        orders = " and ".join(
            f"{users[slot >> bits]}:{slot & (1 << bits) - 1}" for slot in trade.slots
        )
        raise refused(f"found the orders {orders}, expected {' and '.join(arguments.orders)}")
    if trade.busted_at:
        raise refused(f"found it busted before, at sequence number {trade.busted_at}")


def _told(events: list[dict[str, Any]]) -> str:
    """What happened, in a few words."""
    kinds: dict[str, int] = {}
    for event in events:
        kinds[event["kind"]] = kinds.get(event["kind"], 0) + 1
    words = [kind if count == 1 else f"{count} {kind}" for kind, count in kinds.items()]
    if "Collars" in kinds and "StateChanged" not in kinds:
        words.append("the auction is extended: its price is outside the collar (--force ends it)")
    return ", ".join(words)
