"""Operators' commands to a running venue, put on its control ring and seen in its event stream."""

import secrets
import struct
import time
from types import TracebackType
from typing import Any

from ironcore.base.counters import CountersReader
from ironcore.runtime import pipeline
from ironcore.stream.frame_taker import FrameTaker
from ironcore.wire import record
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, stages_of
from ironpit.venue.day import of_counters
from ironpit.venue.recovery import control_ring

TIMEOUT_S = 10.0
PAUSE_S = 0.002
FRAMES_AT_ONCE = 256
STATUS_OK = 0
# A number of the command's own, where members' commands have their UserRefNum: the venue's own
# commands need none, and the engine does not look at it.
TOKEN = struct.Struct("<I")
TOKEN_AT = 24
LAST = 1
EVENT_TYPES_FIRST = 128
CONTINUE = record.encode("Continue")[0]
RETIRE = record.encode("RetireInstrument")[0]
SET_STATE = record.encode("SetState")[0]
# Commands that may take several steps, and the events that say that they are at their end.
ENDS = {RETIRE: {"InstrumentRetired"}, SET_STATE: {"StateChanged", "Collars"}}
# Of the smallest commands the control ring has room for four times as many.
COMMANDS_AT_ONCE = 256
NO_EFFECT = "no effect: the stream has it like this already, or live orders prevent it"
UNSEEN = "the command was not seen in the stream within {:g} s; it may have been sequenced"
BEGUN = {
    RETIRE: "the instrument is retired; its orders had not all left within {:g} s, and still leave",
    SET_STATE: "the auction before the new state had not ended within {:g} s, and goes on",
}
MALFORMED = "refused: the command names something that the engine does not have, or a wrong value"

Outcome = list[dict[str, Any]] | UserError


class Control:
    """An operator at a running venue; one at a time. UserError when none runs, or one is there.

    with Control(config) as control:
        events = control.send(set_state(0, "halted"))
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        path = control_ring(config)
        if not pipeline.control_is_read(path):
            raise UserError(
                f"venue {config.venue.name} is not running: no matcher reads {path}", Exit.REFUSED
            )
        try:
            self._ring = pipeline.open_control_producer(path)
            self._stream = pipeline.open_stream_onlooker(config.streams.events.path)
            self._counters = CountersReader(self._counters_file())
        except (OSError, ValueError) as error:
            raise UserError(f"venue {config.venue.name}: {error}", Exit.REFUSED) from error

    def _counters_file(self) -> Any:
        processes = self.config.placement.processes
        name = next(n for n, process in processes.items() if "matcher" in stages_of(process))
        return self.config.venue.data_directory / f"counters-{name}.dat"

    def __enter__(self) -> "Control":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del self._ring, self._stream, self._counters

    def send(self, command: bytes, timeout_s: float = TIMEOUT_S) -> list[dict[str, Any]]:
        """Have a command sequenced: the events that it caused, as ironcore.wire.record shows them.

        UserError when it has no effect, when the engine refuses it, and when nothing is seen of it.
        """
        (outcome,) = self.send_all([command], timeout_s)
        if isinstance(outcome, UserError):
            raise outcome
        return outcome

    def give_stream(self, taker: FrameTaker) -> None:
        """Give the stream's frames up to now, the journal's and those that it has not got yet.
        ValueError or OSError when they cannot be read."""
        pipeline.give_before(
            self.config.journal.directory,
            self.config.streams.events.path,
            self._stream.first_sequence,
            [taker],
        )

    def _frames(self) -> list[bytes]:
        _, frames = self._stream.poll(FRAMES_AT_ONCE)
        return [payload for _, payload in frames]

    def _no_effect(self) -> str:
        day = of_counters(self._counters.snapshot())
        if day is not None and day.has_ended(time.time_ns()):
            return f"no effect: {day.described(time.time_ns())}; instruments stay closed"
        return NO_EFFECT

    def _unseen(self, timeout_s: float) -> str:
        waits = self.config.journal.durability == "before-reply"
        return UNSEEN.format(timeout_s) + (", and then waits for the journal" if waits else "")

    def _refusals(self) -> tuple[int, int]:
        counters = self._counters.snapshot()
        return counters["matcher.control_ignored"], counters["matcher.control_malformed"]

    def send_all(self, commands: list[bytes], timeout_s: float = TIMEOUT_S) -> list[Outcome]:
        """Have commands sequenced that do not depend on one another, without waiting for each: the
        events of each, or why there are none. Whatever becomes of one, the next ones are sent.

        It ends timeout_s after the matcher took none any more; what was not sent says so.
        """
        outcomes: list[Outcome] = []
        for first in range(0, len(commands), COMMANDS_AT_ONCE):
            batch, taken = self._send_batch(commands[first : first + COMMANDS_AT_ONCE], timeout_s)
            outcomes += batch
            if not taken:
                break
        unsent = UserError("not sent: the matcher takes no commands", Exit.REFUSED)
        return outcomes + [unsent] * (len(commands) - len(outcomes))

    def _send_batch(self, commands: list[bytes], timeout_s: float) -> tuple[list[Outcome], bool]:
        """The outcomes, and whether the matcher has taken all of them off the ring."""
        before = self._taken()
        flight = InFlight()
        marked = [_marked(command)[0] for command in commands]
        refused_at: int | None = None
        sent = 0
        while sent < len(marked) and self._ring.offer(marked[sent]) == STATUS_OK:
            flight.sent(marked[sent])
            sent += 1
        deadline_s = time.monotonic() + timeout_s
        while True:
            frames = self._frames()
            for frame in frames:
                flight.see(frame)
            sequenced, ignored, malformed = (
                now - then for now, then in zip(self._taken(), before, strict=True)
            )
            # What waits now is refused or still to be seen: as many as were refused are refused.
            # What they were judged by may not be durable yet, and is not to be told before it is.
            if refused_at is None and ignored + malformed >= flight.waiting:
                refused_at = self._stream.tail_sequence()
            if refused_at is not None and self._stream.sequence_next >= refused_at:
                reasons = [self._no_effect()] * bool(ignored) + [MALFORMED] * bool(malformed)
                missing = UserError("; or ".join(reasons))
                break
            if time.monotonic() >= deadline_s:
                missing = UserError(self._unseen(timeout_s), Exit.FAILED)
                break
            if not frames:  # a busy stream must not run away from its onlooker
                time.sleep(PAUSE_S)
        taken = sent == len(commands) and sequenced + ignored + malformed >= sent
        outcomes: list[Outcome] = []
        for command in marked[:sent]:
            events = flight.events(command)
            if events is not None:
                outcomes.append(events)
            elif flight.is_begun(command):
                begun = BEGUN[command[0]].format(timeout_s)
                outcomes.append(UserError(begun, Exit.FAILED))
            else:
                outcomes.append(missing)
        return outcomes, taken

    def _taken(self) -> tuple[int, int, int]:
        """Operators' commands so far: sequenced, without effect, refused."""
        return self._counters.snapshot()["matcher.control"], *self._refusals()


class InFlight:
    """Commands on their way through the control ring and the matcher into the event stream. A
    retirement is at its end when the instrument's orders have left, and a change of state when the
    auction before it is over: perhaps in several steps, each a command of its own."""

    def __init__(self) -> None:
        self._seen: dict[bytes, list[dict[str, Any]]] = {}
        self._unseen: set[bytes] = set()
        self._begun: dict[tuple[int, int], bytes] = {}  # by type and instrument
        self._key = b""  # of the transaction in hand, or of what it goes on with
        self._transaction = b""

    @property
    def waiting(self) -> int:
        """How many have not been seen to their end."""
        return len(self._unseen)

    def sent(self, command: bytes) -> None:
        """A command that stands in the ring; it carries a number of its own."""
        self._unseen.add(_key(command))

    def see(self, frame: bytes) -> None:
        """A frame of the event stream."""
        if frame[0] < EVENT_TYPES_FIRST:
            self._key, self._transaction = self._begins(frame), b""
        if self._key not in self._unseen:
            return
        self._transaction += frame
        command, *events = record.decode_frame(self._transaction)
        if "last" not in (events or [command])[-1]["flags"]:
            return
        self._seen.setdefault(self._key, []).extend(events)
        kind = self._key[0]
        if self._transaction[0] in ENDS:
            self._begun[kind, command["instrument"]] = self._key
        if kind not in ENDS or any(event["kind"] in ENDS[kind] for event in events):
            self._unseen.discard(self._key)

    def _begins(self, frame: bytes) -> bytes:
        """The key of the command that a frame begins, or goes on with."""
        if frame[0] == CONTINUE and self._begun:
            command = record.decode_frame(frame)[0]
            return self._begun.get((command["continued"], command["instrument"]), b"")
        return _key(frame)

    def is_begun(self, command: bytes) -> bool:
        """Whether a part of what the command caused was seen."""
        return _key(command) in self._seen

    def events(self, command: bytes) -> list[dict[str, Any]] | None:
        """What the command caused; None while it was not seen to its end."""
        return None if _key(command) in self._unseen else self._seen.get(_key(command))


def _marked(command: bytes) -> tuple[bytes, bytes]:
    """The command with a number of its own, and that number's bytes."""
    token = TOKEN.pack(secrets.randbits(32))
    return command[:TOKEN_AT] + token + command[TOKEN_AT + len(token) :], token


def _key(command: bytes) -> bytes:
    return command[:1] + command[TOKEN_AT : TOKEN_AT + TOKEN.size]
