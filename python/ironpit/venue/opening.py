"""The commands with which a trading day begins: what the configuration defines, and the orders that
the day before has left.

A day is a stream of its own (docs/adr/0024), so these commands are its first ones. An order that
stays is entered anew by the venue, while nothing trades, for what it was open for. Orders of one
queue are entered in their priority, and each session's are numbered from 1.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ironcore.runtime.carried_orders import OrderNames, carried_orders, reference_price
from ironcore.runtime.replay import Replay
from ironcore.stream.frame_taker import give_journal
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.venue.definitions import (
    COMMAND_CHANGE_INSTRUMENT,
    COMMAND_DEFINE_INSTRUMENT,
    COMMAND_SYSTEM_EVENT,
    DAY_NS,
    DEFINE_INSTRUMENT,
    HEADER,
    INSTRUMENT_FIELD,
    SECOND_NS,
    STATES,
    SYSTEM_EVENT,
    Definitions,
    TickTables,
    check_decimals,
    clock,
    instrument_body,
    retire_instrument,
    set_state,
)

USER_REF_AT, INSTRUMENT_AT, SESSION_AT = 24, 28, 4  # in a command's header
OPTIONS_AT = 80  # in ENTER_ORDER
OCO_REF_AT, EXPIRE_AT = OPTIONS_AT + 40, OPTIONS_AT + 28
SECONDS_A_DAY = 86_400
NUMBER = struct.Struct("<I")
FRAMES_AT_ONCE = 500_000  # between two signs of life
PRICE_MIN, QUANTITY_MAX, ENTRY_COLLAR = 3, 5, 10  # among the fields of DEFINE_INSTRUMENT
INITIAL_STATE, FOLLOWERS_MAX, MIN_QUANTITY_MAX = 14, 17, 18
QUANTITY_MAX_LENIENT, COUNT_LENIENT = 0xFFFFFFFF, 0xFFFF
MARKET_OPEN = SYSTEM_EVENT.pack(ord("Q"))


@dataclass(frozen=True)
class CarriedOrder:
    """An order that stays, as ENTER_ORDER of the day that has ended."""

    symbol: str
    username: str
    command: bytes

    @property
    def user_ref(self) -> int:
        """Its UserRefNum on that day."""
        return int(NUMBER.unpack_from(self.command, USER_REF_AT)[0])


@dataclass(frozen=True)
class DayLeft:
    """What a finished day leaves to the next one."""

    orders: tuple[CarriedOrder, ...]
    instruments: dict[str, bytes]  # the body of each definition, by symbol
    retired: frozenset[str]  # symbols of those that have ended
    references: dict[str, int]  # by symbol; integers of the instrument's last decimal
    sequence: int  # of the stream's last frame
    books_digest: str


def left_by(journal: Path, alive: Callable[[], None]) -> DayLeft:
    """What the finished day in this journal leaves. UserError when its stream and its books do not
    agree: nothing is carried over from a journal in doubt. alive: called again and again."""
    replay = Replay(journal)
    report = replay.run(until_sequence=FRAMES_AT_ONCE)
    while not report.fault and report.sequence % FRAMES_AT_ONCE == 0:
        alive()
        before = report.sequence
        report = replay.run(until_sequence=before + FRAMES_AT_ONCE)
        if report.sequence == before:
            break
    if report.fault:
        raise UserError(f"{journal}: {report.fault}; the day cannot be carried over", Exit.REFUSED)
    definitions, names = Definitions(), OrderNames(replay.engine)
    give_journal(journal, [definitions.taker(), names], progress=lambda sequence: alive())
    symbols = {number: symbol for symbol, number in definitions.symbols().items()}
    users = {number: name for name, number in definitions.usernames().items()}
    orders, instruments, references = [], {}, {}
    retired = frozenset(symbols[n] for n in definitions.retired if n in symbols)
    for number, symbol in symbols.items():
        if number in definitions.retired:
            continue
        instruments[symbol] = definitions.instruments[number]
        references[symbol] = reference_price(replay.engine, number)
        orders += [
            CarriedOrder(symbol, users[NUMBER.unpack_from(command, SESSION_AT)[0]], command)
            for command in carried_orders(replay.engine, number, names)
        ]
    return DayLeft(
        tuple(orders), instruments, retired, references, report.sequence, report.books_digest
    )


def check_decimals_of(config: Config, left: DayLeft) -> None:
    """UserError where an instrument has other decimals than on the day before: its prices and
    quantities would mean something else."""
    for number, instrument in enumerate(config.instruments):
        known = left.instruments.get(instrument.symbol)
        if known is not None:
            wanted = instrument_body(instrument, TickTables({}))
            check_decimals(f"instruments[{number}]", known, wanted)


def unknown_to(config: Config, orders: Iterable[CarriedOrder]) -> list[str]:
    """The names of sessions and instruments with orders that this configuration does not have."""
    known = {i.symbol for i in config.instruments} | {s.username for s in config.sessions}
    names = (name for order in orders for name in (order.symbol, order.username))
    return list(dict.fromkeys(name for name in names if name not in known))


def commands(config: Config, left: DayLeft, days: int, now_ns: int) -> list[bytes]:
    """The first commands of a day: its definitions, the orders that stay, and then the states with
    which the instruments begin. Orders of sessions or instruments that the configuration does not
    have are left out. days: since the one that they are left by."""
    symbols = {i.symbol: number for number, i in enumerate(config.instruments)}
    users = {s.username: number for number, s in enumerate(config.sessions, start=1)}
    kept = [o for o in left.orders if o.symbol in symbols and o.username in users]
    held = {symbols[order.symbol] for order in kept}
    *before, last = Definitions().missing(config, now_ns)
    assert last[0] == COMMAND_SYSTEM_EVENT
    assert last[HEADER.size :] == MARKET_OPEN
    again = [*entered(kept, symbols, users, days)]
    # Nothing executes whose time was over before.
    expire = [clock(now_ns % DAY_NS // SECOND_NS)] if kept else []
    # What an operator has ended stays so, though its place in the file is kept.
    ended = [retire_instrument(symbols[symbol]) for symbol in left.retired if symbol in symbols]
    changes = [_change(command) for command in before if _is_of(command, held)]
    states = [
        set_state(number, config.instruments[number].initial_state)
        for number in sorted(held)
        if config.instruments[number].initial_state
        != _entering_state(config.instruments[number].price_min)
    ]
    begun = [lenient(command) if _is_of(command, held) else command for command in before]
    return [*begun, *sorted(ended), *again, *expire, *changes, *states, last]


def _is_of(command: bytes, instruments: set[int]) -> bool:
    """Whether it defines one of these."""
    return (
        command[0] == COMMAND_DEFINE_INSTRUMENT
        and HEADER.unpack_from(command)[INSTRUMENT_FIELD] in instruments
    )


def lenient(definition: bytes) -> bytes:
    """An instrument as it has to be while the orders that stay are entered: nothing executes, and
    none of them is refused by a limit that orders on their way are judged by."""
    body = list(DEFINE_INSTRUMENT.unpack_from(definition, HEADER.size))
    body[QUANTITY_MAX] = QUANTITY_MAX_LENIENT
    body[ENTRY_COLLAR] = 0
    body[FOLLOWERS_MAX] = body[MIN_QUANTITY_MAX] = COUNT_LENIENT
    body[INITIAL_STATE] = ord(STATES[_entering_state(body[PRICE_MIN])])
    return definition[: HEADER.size] + DEFINE_INSTRUMENT.pack(*body)


def _entering_state(price_min: int) -> str:
    """An instrument without pre-open (rule 2.12) trades meanwhile: its book is not crossed."""
    return "pre-open" if price_min >= 1 else "continuous"


def _change(definition: bytes) -> bytes:
    """The instrument as the configuration has it, from then on."""
    return bytes((COMMAND_CHANGE_INSTRUMENT,)) + definition[1:]


def entered(
    orders: Iterable[CarriedOrder], symbols: dict[str, int], users: dict[str, int], days: int
) -> Iterable[bytes]:
    """The orders with the new day's numbers; those of instruments by symbol, those of sessions by
    user name. The second order of a pair names the first, which is live."""
    numbers: dict[tuple[str, int], int] = {}
    last = dict.fromkeys(users, 0)
    for order in orders:
        user = order.username
        last[user] += 1
        numbers[user, order.user_ref] = last[user]
        command = bytearray(order.command)
        NUMBER.pack_into(command, SESSION_AT, users[user])
        NUMBER.pack_into(command, USER_REF_AT, last[user])
        NUMBER.pack_into(command, INSTRUMENT_AT, symbols[order.symbol])
        if len(command) > OPTIONS_AT:
            other = NUMBER.unpack_from(command, OCO_REF_AT)[0]
            NUMBER.pack_into(command, OCO_REF_AT, numbers.get((user, other), 0))
            second = NUMBER.unpack_from(command, EXPIRE_AT)[0]  # it counts from its day's midnight
            NUMBER.pack_into(command, EXPIRE_AT, max(second - days * SECONDS_A_DAY, 0))
        yield bytes(command)
