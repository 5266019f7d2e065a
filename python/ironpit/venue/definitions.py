"""What a configuration defines in the event stream: commands of the venue's own.

Instruments, sessions and limits reach the matcher as commands, so that a journal can be replayed
without the configuration that it was written under. Layouts: ironcore/wire/record.pxd.
"""

import struct
import time
from collections.abc import Iterator
from typing import NamedTuple

from ironcore.stream.facts import Facts
from ironcore.stream.frame_taker import ChosenFrames
from ironcore.wire.record import decode_frame
from ironpit.common.decimals import Decimals
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, Instrument, gateways, protocol_kinds
from ironpit.venue.day_file import as_the_day_began

HEADER = struct.Struct("<BBHIQQIIHHI")
STREAM_START = struct.Struct("<10sHIQIIII")
DEFINE_INSTRUMENT = struct.Struct("<8sIIiiIi6H4B2H2BHII")
DEFINE_TICK_TABLE = struct.Struct("<II192s")
TICK_BAND = struct.Struct("<iI")
DEFINE_SESSION = struct.Struct("<16s8s8sBBBxI16x")
SESSION_FIELDS = (
    "username",
    "firm",
    "clearing_firm",
    "cancel_on_disconnect",
    "stp_mode",
    "protocol",
    "stp_group",
)
SYSTEM_EVENT = struct.Struct("<B7x")
SET_STATE = struct.Struct("<BB2x4s")
SET_END = struct.Struct("<IIIIBB2x4s")
BUST_TRADE = struct.Struct("<QIIB7x")
RETIRE_INSTRUMENT = struct.Struct("<8x")
CLOCK = struct.Struct("<IHH")

COMMAND_STREAM_START = 1
COMMAND_DEFINE_INSTRUMENT = 2
COMMAND_DEFINE_SESSION = 3
COMMAND_SYSTEM_EVENT = 4
COMMAND_CHANGE_INSTRUMENT = 5
COMMAND_RETIRE_INSTRUMENT = 6
COMMAND_SET_STATE = 7
COMMAND_CLOCK = 8
COMMAND_BUST_TRADE = 9
COMMAND_SET_END = 11
COMMAND_DEFINE_TICK_TABLE = 12
COMMAND_ENTER_ORDER = 16
RECORD_VERSION = 3
SYMBOL_BYTES = 8
USERNAME_BYTES = 16
FIRM_BYTES = 8
INITIAL_STATE_AT = 45  # in the body of DEFINE_INSTRUMENT
DECIMALS_AT = 52
TICK_TABLES_MAX = 256
SECOND_NS = 1_000_000_000
INSTRUMENT_NONE = 0xFFFFFFFF
INSTRUMENT_FIELD = 7  # of HEADER
DAY_NS = 86_400 * 1_000_000_000


STATES = {
    "continuous": "T",
    "pre-open": "B",
    "opening-auction": "O",
    "halted": "H",
    "paused": "P",
    "quote-only": "Q",
    "closing-auction": "L",
    "trade-at-close": "X",
    "closed": "C",
}
ALLOCATION = {"price-time": 0, "pro-rata": 1, "size-time": 2}
POST_ONLY = {"reject": 0, "reprice": 1}
SELF_TRADE_PREVENTION = {
    "none": "-",
    "cancel-newest": "N",
    "cancel-oldest": "O",
    "cancel-both": "B",
    "decrement-and-cancel": "D",
}


def record(kind: int, body: bytes, session: int = 0, instrument: int = INSTRUMENT_NONE) -> bytes:
    """A command of the venue's own."""
    length = HEADER.size + len(body)
    return HEADER.pack(kind, 0, length, session, 0, 0, 0, instrument, 0, 0, 0) + body


def stream_start(config: Config, now_ns: int) -> bytes:
    """The first command of a stream. Its day begins at the midnight, UTC, before now_ns."""
    limits = config.limits
    return record(
        COMMAND_STREAM_START,
        STREAM_START.pack(
            config.venue.name.encode().ljust(10),
            RECORD_VERSION,
            limits.instruments_max,
            now_ns - now_ns % DAY_NS,
            limits.orders_max,
            limits.sessions_max,
            user_ref_bits(config),
            limits.step_actions_max,
        ),
    )


def user_ref_bits(config: Config) -> int:
    """Bits of a slot that hold the UserRefNum."""
    return config.limits.user_refs_max.bit_length() - 1


def table_bands(i: Instrument) -> bytes:
    """The bands of the tick table that the instrument asks for; empty: it has one tick size."""
    if not i.tick_table:
        return b""
    bands = [(0, i.tick_size), *((b.from_price, b.tick_size) for b in i.tick_table)]
    return b"".join(TICK_BAND.pack(*band) for band in bands)


class TickTables:
    """The tick tables of a stream by their bands, and which are to be defined still."""

    def __init__(self, known: dict[bytes, int]) -> None:
        self._ids = dict(known)
        self.added: list[bytes] = []

    def id_of(self, instrument: Instrument) -> int:
        """0: it has none. UserError when there would be too many."""
        bands = table_bands(instrument)
        if not bands or bands in self._ids:
            return self._ids.get(bands, 0)
        number = len(self._ids) + 1
        if number > TICK_TABLES_MAX:
            raise UserError(
                f"{instrument.symbol}: tick_table: found one more than the stream has, expected at "
                f"most {TICK_TABLES_MAX} different ones",
                Exit.USAGE,
            )
        self._ids[bands] = number
        body = DEFINE_TICK_TABLE.pack(number, len(bands) // TICK_BAND.size, bands)
        self.added.append(record(COMMAND_DEFINE_TICK_TABLE, body))
        return number


def instrument_body(i: Instrument, tables: TickTables) -> bytes:
    """What DEFINE_INSTRUMENT and CHANGE_INSTRUMENT say behind their header."""
    table = tables.id_of(i)
    return DEFINE_INSTRUMENT.pack(
        i.symbol.encode().ljust(SYMBOL_BYTES),
        0 if table else i.tick_size,
        i.lot_size,
        i.price_min,
        i.price_max,
        i.quantity_max,
        i.reference_price or 0,
        i.collars.static_bp,
        i.collars.dynamic_bp,
        i.collars.auction_bp,
        i.collars.entry_bp,
        i.market_protection_bp,
        i.pause_ns // SECOND_NS,
        POST_ONLY[i.post_only],
        ord(STATES[i.initial_state]),
        i.auction_extensions_max,
        ALLOCATION[i.allocation],
        i.followers_max,
        i.min_quantity_max,
        i.price_decimals,
        i.quantity_decimals,
        i.pause_random_ns // SECOND_NS,
        table,
        i.allocation_min or 0,
    )


def decimals_of(body: bytes) -> Decimals:
    """Those that a definition's body says."""
    return Decimals(*body[DECIMALS_AT : DECIMALS_AT + 2])


def check_decimals(key: str, known: bytes, wanted: bytes) -> None:
    """UserError where a changed definition has other decimals: they never change, for all that the
    stream has said would mean something else."""
    was, now = decimals_of(known), decimals_of(wanted)
    for name, before, after in (
        ("price_decimals", was.price, now.price),
        ("quantity_decimals", was.quantity, now.quantity),
    ):
        if before != after:
            raise UserError(
                f"{key}.{name}: found {after}, expected {before} as the stream has it: an "
                "instrument's decimals never change",
                Exit.USAGE,
            )


def kept_term(key: str, known: bytes, wanted: bytes) -> str:
    """The first term of a change that stays as it is while orders are live (rule 2.7), and why;
    empty when the change has none."""
    was, now = (_shape(body) for body in (known, wanted))
    for name, before in was.items():
        if now[name] != before:
            return (
                f"{key}.{name}: found {now[name]}, expected {before} as the stream has it, for as "
                "long as orders of the instrument are live"
            )
    return ""


def _shape(body: bytes) -> dict[str, str]:
    """What a definition's body says of prices and lots, as the configuration writes it."""
    (fields,) = decode_frame(record(COMMAND_CHANGE_INSTRUMENT, body))
    decimals = decimals_of(body)
    return {
        "tick_size": decimals.show_price(fields["tick_size"]),
        "lot_size": decimals.show_quantity(fields["lot_size"]),
        "price_min": decimals.show_price(fields["price_min"]),
        "price_max": decimals.show_price(fields["price_max"]),
        "tick_table": f"table {fields['tick_table']}" if fields["tick_table"] else "none",
    }


def set_state(instrument: int, state: str, reason: str = "", force: bool = False) -> bytes:
    """`state` is one of STATES; `reason` has up to four characters."""
    body = SET_STATE.pack(ord(STATES[state]), force, reason.encode().ljust(4))
    return record(COMMAND_SET_STATE, body, instrument=instrument)


class End(NamedTuple):
    """When an auction's call ends by itself (rule 13.11), in seconds and seconds of the day."""

    first: int
    last: int
    state: str  # one of STATES
    no_cancel: int = 0
    extension: int = 0


def set_end(instrument: int, end: End, reason: str = "", force: bool = False) -> bytes:
    """`reason` and `force` are those of the change of state that comes then."""
    code = ord(STATES[end.state])
    body = SET_END.pack(
        end.first, end.last, end.no_cancel, end.extension, code, force, reason.encode().ljust(4)
    )
    return record(COMMAND_SET_END, body, instrument=instrument)


def clock(second: int) -> bytes:
    """The second of the day, in the stream whatever is due with it."""
    return record(COMMAND_CLOCK, CLOCK.pack(second, 1, 0))


def retire_instrument(instrument: int) -> bytes:
    """The end of an instrument."""
    return record(COMMAND_RETIRE_INSTRUMENT, RETIRE_INSTRUMENT.pack(), instrument=instrument)


def bust_trade(instrument: int, match_number: int, slots: tuple[int, int], reason: str) -> bytes:
    """The trade of this number does not count; slots of its two orders, 0 for none."""
    body = BUST_TRADE.pack(match_number, *slots, ord(reason))
    return record(COMMAND_BUST_TRADE, body, instrument=instrument)


def define_instrument(config: Config, instrument: int, tables: TickTables) -> bytes:
    """A new instrument, as the configuration has it."""
    body = instrument_body(config.instruments[instrument], tables)
    return record(COMMAND_DEFINE_INSTRUMENT, body, instrument=instrument)


def change_instrument(config: Config, instrument: int, tables: TickTables) -> bytes:
    """What the configuration says now of an instrument that is there."""
    body = instrument_body(config.instruments[instrument], tables)
    return record(COMMAND_CHANGE_INSTRUMENT, body, instrument=instrument)


def _instruments(config: Config, tables: TickTables) -> Iterator[bytes]:
    for number in range(len(config.instruments)):
        yield define_instrument(config, number, tables)


def _sessions(config: Config) -> Iterator[bytes]:
    for number, s in enumerate(config.sessions, start=1):
        body = DEFINE_SESSION.pack(
            s.username.encode().ljust(USERNAME_BYTES),
            s.firm.encode().ljust(FIRM_BYTES),
            (s.clearing_firm or "").encode().ljust(FIRM_BYTES),
            s.cancel_on_disconnect,
            ord(SELF_TRADE_PREVENTION[s.stp_mode]),
            protocol_kinds.kind_of(gateways.of_session(config, s).protocol).number,
            s.stp_group,
        )
        yield record(COMMAND_DEFINE_SESSION, body, session=number)


class Definitions:
    """What a stream has defined so far, gathered while it is replayed; bodies are what follows a
    command's header."""

    def __init__(self) -> None:
        self._facts = Facts()
        self._tables: dict[bytes, int] = {}

    def observe(self, frame: bytes | memoryview) -> None:
        """Take in one frame of the stream. ValueError: a definition that is none."""
        if frame[0] <= COMMAND_RETIRE_INSTRUMENT:
            self._facts.take(frame)
        elif frame[0] == COMMAND_DEFINE_TICK_TABLE:
            number, count, bands = DEFINE_TICK_TABLE.unpack_from(frame, HEADER.size)
            self._tables.setdefault(bands[: count * TICK_BAND.size], number)

    def taker(self) -> ChosenFrames:
        """Observes the frames that it is given, in compiled code all but those that define."""
        types = (*range(COMMAND_RETIRE_INSTRUMENT + 1), COMMAND_DEFINE_TICK_TABLE)
        return ChosenFrames(types, lambda sequence, frame: self.observe(frame))

    def tick_tables(self) -> TickTables:
        """Those of the stream, to which an instrument may add one."""
        return TickTables(self._tables)

    @property
    def start(self) -> bytes | None:
        """The body of STREAM_START; None before it."""
        start = self._facts.start
        return None if start is None else start[HEADER.size :]

    @property
    def instruments(self) -> dict[int, bytes]:
        """The body of each instrument's definition, as changed since."""
        return {n: one[HEADER.size :] for n, one in self._facts.instruments.items()}

    @property
    def sessions(self) -> dict[int, bytes]:
        """The body of each session's definition."""
        return {n: one[HEADER.size :] for n, one in self._facts.sessions.items()}

    @property
    def retired(self) -> set[int]:
        """The instruments that have ended."""
        return self._facts.retired

    def symbols(self) -> dict[str, int]:
        """The instruments by symbol."""
        return {
            body[:SYMBOL_BYTES].decode().rstrip(): number
            for number, body in self.instruments.items()
        }

    def usernames(self) -> dict[str, int]:
        """The sessions by user name."""
        return {
            body[:USERNAME_BYTES].decode().rstrip(): number
            for number, body in self.sessions.items()
        }

    def missing(self, config: Config, now_ns: int | None = None) -> list[bytes]:
        """The commands that the configuration adds to the stream. now_ns: the host's clock, for a
        stream that begins.

        Raises UserError where the stream says something else that cannot be changed: sessions,
        symbols and limits stay, for the orders and replies of the day depend on them.
        """
        added: list[bytes] = []
        start = stream_start(config, time.time_ns() if now_ns is None else now_ns)
        if self.start is not None:
            config = as_the_day_began(config)
        if self.start is None:
            added.append(start)
        else:
            self._compare_start(config, start[HEADER.size :])
        tables = self.tick_tables()
        instruments = [*self._instruments(config, tables)]
        added += [*tables.added, *instruments]
        added += self._sessions(config)
        if self.start is None:
            added += [record(COMMAND_SYSTEM_EVENT, SYSTEM_EVENT.pack(ord(code))) for code in "OSQ"]
        return added

    def left_out(self, config: Config) -> list[str]:
        """What the stream has and the configuration has not: it goes on, and this says so."""
        notes = []
        instruments = {instrument.symbol for instrument in config.instruments}
        retired = self.retired
        left = [
            symbol
            for symbol, number in self.symbols().items()
            if symbol not in instruments and number not in retired
        ]
        if left:
            notes.append(
                f"instruments: found no {', '.join(left)}, which the stream has: trading goes on "
                "with the stream's definition (`ironpit control retire` ends an instrument)"
            )
        users = {session.username for session in config.sessions}
        left = [user for user in self.usernames() if user not in users]
        if left:
            notes.append(
                f"sessions: found no {', '.join(left)}, which the stream has: their orders stay, "
                f"and a member with a password in {config.credentials} can still log in"
            )
        return notes

    def _compare_start(self, config: Config, wanted: bytes) -> None:
        assert self.start is not None
        keys = (
            "venue.name",
            "record version",
            "limits.instruments_max",
            "midnight",
            "limits.orders_max",
            "limits.sessions_max",
            "limits.user_refs_max",
            "limits.step_actions_max",
        )
        found = STREAM_START.unpack(self.start)
        for key, was, now in zip(keys, found, STREAM_START.unpack(wanted), strict=False):
            if was != now and key != "midnight":
                if key == "limits.user_refs_max":
                    was, now = 1 << was, 1 << now
                raise UserError(
                    f"{key}: found {_show(now)}, expected {_show(was)} as in the journal "
                    f"{config.journal.directory} (a new journal directory starts a new stream)",
                    Exit.USAGE,
                )

    def _instruments(self, config: Config, tables: TickTables) -> Iterator[bytes]:
        """New instruments, and changes of those that the stream has."""
        instruments, retired = self.instruments, self.retired
        for number, command in enumerate(_instruments(config, tables)):
            known = instruments.get(number)
            body = command[HEADER.size :]
            if known is None:
                yield command
            elif known[:SYMBOL_BYTES] != body[:SYMBOL_BYTES]:
                was, now = known[:SYMBOL_BYTES], body[:SYMBOL_BYTES]
                raise _differs(f"instruments[{number}].symbol", _show(was), _show(now))
            elif not _same_but_for_state(known, body):
                check_decimals(f"instruments[{number}]", known, body)
                if number in retired:
                    raise UserError(
                        f"instruments[{number}]: found changed values of "
                        f"{config.instruments[number].symbol}, which is retired in the journal; "
                        "expected it unchanged",
                        Exit.USAGE,
                    )
                yield change_instrument(config, number, tables)

    def _sessions(self, config: Config) -> Iterator[bytes]:
        sessions = self.sessions
        for entry, command in enumerate(_sessions(config)):
            known = sessions.get(entry + 1)
            if known is None:
                yield command
            elif known != command[HEADER.size :]:
                raise _session_differs(entry, known, command[HEADER.size :])


def refused(config: Config, command: bytes) -> UserError:
    """What to say when the engine does not take one of the commands that were missing."""
    if command[0] != COMMAND_CHANGE_INSTRUMENT:
        return UserError(f"the engine refuses command type {command[0]}", Exit.USAGE)
    number = HEADER.unpack_from(command)[INSTRUMENT_FIELD]
    return UserError(
        f"instruments[{number}]: found other tick sizes, lot_size, price_min or price_max than "
        f"before while orders of {config.instruments[number].symbol} are live; expected them "
        "unchanged",
        Exit.USAGE,
    )


def _differs(key: str, was: str, now: str) -> UserError:
    return UserError(
        f"{key}: found {now}, expected {was} as in the journal: its entries stay as they are and "
        "where they are, and new ones go to the end",
        Exit.USAGE,
    )


def _session_differs(entry: int, known: bytes, wanted: bytes) -> UserError:
    fields = zip(
        SESSION_FIELDS, DEFINE_SESSION.unpack(known), DEFINE_SESSION.unpack(wanted), strict=True
    )
    name, was, now = next((name, was, now) for name, was, now in fields if was != now)
    key = f"sessions[{entry}].{name}"
    if name == "protocol":  # its gateway's
        key = f"sessions[{entry}].gateway: the gateway's protocol"
    return _differs(key, _session_field(name, was), _session_field(name, now))


def _session_field(name: str, value: bytes | int) -> str:
    """As the configuration writes it."""
    words: dict[int, str] = {}
    if name == "stp_mode":
        words = {ord(code): word for word, code in SELF_TRADE_PREVENTION.items()}
    elif name == "protocol":
        words = {kind.number: kind.name for kind in protocol_kinds.KINDS}
    elif name == "cancel_on_disconnect":
        words = {0: "false", 1: "true"}
    if isinstance(value, bytes):
        return value.decode().rstrip() or "null"
    return words.get(value, str(value))


def _same_but_for_state(known: bytes, wanted: bytes) -> bool:
    """The initial state is of no account once an instrument is there."""
    after = INITIAL_STATE_AT + 1
    return known[:INITIAL_STATE_AT] == wanted[:INITIAL_STATE_AT] and known[after:] == wanted[after:]


def _show(value: object) -> str:
    return value.decode().rstrip() if isinstance(value, bytes) else str(value)
