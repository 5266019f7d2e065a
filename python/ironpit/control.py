"""Operators' commands to a running venue, put on its control ring and seen in its event stream."""

import secrets
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from ironcore.base.counters import CountersReader
from ironcore.runtime import pipeline
from ironcore.wire import record
from ironpit.config import Config, stages_of
from ironpit.errors import Exit, UserError
from ironpit.preparation import control_ring

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
        token = TOKEN.pack(secrets.randbits(32))
        command = command[:TOKEN_AT] + token + command[TOKEN_AT + len(token) :]
        before = self._refusals()
        refusal, refused_at = "", 0
        if self._ring.offer(command) != STATUS_OK:
            raise UserError("the control ring is full: the matcher takes nothing", Exit.REFUSED)
        deadline_s = time.monotonic() + timeout_s
        transaction = b""
        while time.monotonic() < deadline_s:
            for frame in self._frames():
                if transaction or (
                    frame[0] == command[0] and frame[TOKEN_AT : TOKEN_AT + len(token)] == token
                ):
                    transaction += frame
                    records = record.decode_frame(transaction)
                    if "last" in records[-1]["flags"]:
                        return records[1:]
            if not refusal:
                refusal = self._refused(before)
                # What it was judged by may not be durable yet, and is not to be told before it is.
                refused_at = self._stream.tail_sequence() if refusal else 0
            if refusal and self._stream.sequence_next >= refused_at:
                raise UserError(refusal)
            time.sleep(PAUSE_S)
        waits = self.config.journal.durability == "before-reply"
        raise UserError(
            f"nothing was seen of the command within {timeout_s:g} s; it may have been sequenced"
            + (", and wait for the journal" if waits else ""),
            Exit.FAILED,
        )

    def _refused(self, before: tuple[int, int]) -> str:
        """Why the engine did not take the command, "" if it has not said so."""
        ignored, malformed = self._refusals()
        if ignored > before[0]:
            return "no effect: that is how it is already, or orders are in the way"
        if malformed > before[1]:
            return "refused: the engine does not know what it names, or its values"
        return ""

    def stream_so_far(self) -> Iterator[tuple[int, bytes]]:
        """The stream's frames up to now, the journal's and those that it has not got yet, each with
        its sequence number. ValueError or OSError when they cannot be read."""
        return pipeline.frames_before(
            self.config.journal.directory,
            self.config.streams.events.path,
            self._stream.first_sequence,
        )

    def _frames(self) -> list[bytes]:
        _, frames = self._stream.poll(FRAMES_AT_ONCE)
        return [payload for _, payload in frames]

    def _refusals(self) -> tuple[int, int]:
        counters = self._counters.snapshot()
        return counters["matcher.control_ignored"], counters["matcher.control_malformed"]
