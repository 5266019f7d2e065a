"""What a configuration defines in the event stream: commands of the venue's own.

Instruments, sessions and limits reach the matcher as commands, so that a journal can be replayed
without the configuration that it was written under. Layouts: ironcore/wire/record.pxd.
"""

import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ironpit.config import Config
from ironpit.errors import Exit, UserError

HEADER = struct.Struct("<BBHIQQII")
STREAM_START = struct.Struct("<10sHIQIIII")
DEFINE_INSTRUMENT = struct.Struct("<8sIIiiI12x")
DEFINE_SESSION = struct.Struct("<6s4sB13x")
SYSTEM_EVENT = struct.Struct("<B7x")

COMMAND_STREAM_START = 1
COMMAND_DEFINE_INSTRUMENT = 2
COMMAND_DEFINE_SESSION = 3
COMMAND_SYSTEM_EVENT = 4
RECORD_VERSION = 1
INSTRUMENT_NONE = 0xFFFFFFFF
DAY_NS = 86_400 * 1_000_000_000


def _record(kind: int, body: bytes, session: int = 0, instrument: int = INSTRUMENT_NONE) -> bytes:
    return HEADER.pack(kind, 0, HEADER.size + len(body), session, 0, 0, 0, instrument) + body


def stream_start(config: Config, now_ns: int) -> bytes:
    """The first command of a stream. Its day begins at the midnight, UTC, before now_ns."""
    limits = config.limits
    return _record(
        COMMAND_STREAM_START,
        STREAM_START.pack(
            config.venue.name.encode().ljust(10),
            RECORD_VERSION,
            limits.instruments_max,
            now_ns - now_ns % DAY_NS,
            limits.orders_max,
            limits.sessions_max,
            user_ref_bits(config),
            0,
        ),
    )


def user_ref_bits(config: Config) -> int:
    """Bits of a slot that hold the UserRefNum."""
    return config.limits.user_refs_max.bit_length() - 1


def _instruments(config: Config) -> Iterator[bytes]:
    for number, i in enumerate(config.instruments):
        body = DEFINE_INSTRUMENT.pack(
            i.symbol.encode().ljust(8),
            i.tick_size_e4,
            i.lot_size,
            i.price_min_e4,
            i.price_max_e4,
            i.quantity_max,
        )
        yield _record(COMMAND_DEFINE_INSTRUMENT, body, instrument=number)


def _sessions(config: Config) -> Iterator[bytes]:
    for number, s in enumerate(config.sessions, start=1):
        body = DEFINE_SESSION.pack(
            s.username.encode().ljust(6), s.firm.encode().ljust(4), s.cancel_on_disconnect
        )
        yield _record(COMMAND_DEFINE_SESSION, body, session=number)


@dataclass
class Definitions:
    """What a stream has defined so far, gathered while it is replayed."""

    start: bytes | None = None
    bodies: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def observe(self, frame: bytes | memoryview) -> None:
        """Take in one frame of the stream."""
        kind = frame[0]
        if kind > COMMAND_DEFINE_SESSION:
            return
        command = bytes(frame[: HEADER.unpack_from(frame)[2]])
        if kind == COMMAND_STREAM_START:
            self.start = command[HEADER.size :]
        elif kind in (COMMAND_DEFINE_INSTRUMENT, COMMAND_DEFINE_SESSION):
            self.bodies[_key(command)] = command[HEADER.size :]

    def missing(self, config: Config) -> list[bytes]:
        """The commands that the configuration adds to the stream.

        Raises UserError where the stream says something else: what was defined stays defined, for
        the orders and replies of the day depend on it.
        """
        added: list[bytes] = []
        start = stream_start(config, time.time_ns())
        if self.start is None:
            added.append(start)
        else:
            self._compare_start(config, start[HEADER.size :])
        added += self._new("instruments", 0, _instruments(config))
        added += self._new("sessions", 1, _sessions(config))
        if self.start is None:
            added += [_record(COMMAND_SYSTEM_EVENT, SYSTEM_EVENT.pack(ord(code))) for code in "OSQ"]
        return added

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

    def _new(self, key: str, first: int, wanted: Iterable[bytes]) -> Iterator[bytes]:
        for number, command in enumerate(wanted):
            known = self.bodies.get(_key(command))
            if known is None:
                yield command
            elif known != command[HEADER.size :]:
                raise UserError(
                    f"{key}[{number}]: found a definition that differs from the journal's; "
                    f"expected number {number + first} as it was, and new entries at the end",
                    Exit.USAGE,
                )


def _key(command: bytes) -> tuple[int, int]:
    kind, _, _, session, _, _, _, instrument = HEADER.unpack_from(command)
    return kind, session if kind == COMMAND_DEFINE_SESSION else instrument


def _show(value: object) -> str:
    return value.decode().rstrip() if isinstance(value, bytes) else str(value)
