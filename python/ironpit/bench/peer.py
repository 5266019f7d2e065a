"""Other matching engines, measured in turn with ours: the program's side is docs/COMPARE.md.

A peer is a command. We write requests to its standard input and read replies from its standard
output; it keeps its standard error. Everything is little-endian.
"""

import contextlib
import shlex
import struct
import subprocess
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from ironpit.common.errors import Exit, UserError
from ironpit.flow.chains import chains_of, decrements_of
from ironpit.flow.operations import CANCEL, ENTER, IMMEDIATE_OR_CANCEL, REPLACE, Flow

MAGIC = b"IPM1"
HELLO, LOAD_ORDERS, LOAD_ITCH, RUN = 1, 2, 3, 4
QUEUED, ONE_AT_A_TIME, QUEUED_TIMED, ONE_AT_A_TIME_TIMED = range(4)
OK, UNSUPPORTED = 0, 1
ADD_KIND, CANCEL_KIND, REDUCE_KIND, REPLACE_KIND = b"ACDU"
# magic, kind, payload bytes, messages, of them opening, instruments, way, resting orders at most
REQUEST = struct.Struct("<4sIQQQIIQ16x")
# magic, status, payload bytes, messages, elapsed, CPU, executions, executed, live, memory
REPLY = struct.Struct("<4sIQQQQQQQQ")
MESSAGE = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("immediate", "u1"),
        ("reserved", "u1"),
        ("instrument", "<u4"),
        ("order", "<u8"),
        ("quantity", "<u4"),
        ("price", "<i4"),
        ("padding", "<u8"),
    ]
)
LATENCIES = 1 << 16  # counts by nanosecond; the last one holds all that took longer

Messages = npt.NDArray[np.void]


def messages_of(flow: Flow) -> Messages:
    """The flow's operations as a peer reads them: every order keeps one number for life."""
    operations = flow.operations
    chains = chains_of(operations)
    made = np.zeros(len(operations), MESSAGE)
    whole = (operations["kind"] == CANCEL) & (operations["quantity"] == 0)
    made["kind"] = REDUCE_KIND
    made["kind"][whole] = CANCEL_KIND
    made["kind"][operations["kind"] == ENTER] = ADD_KIND
    made["kind"][operations["kind"] == REPLACE] = REPLACE_KIND
    numbers = np.cumsum(operations["kind"] == ENTER)
    made["order"] = numbers[chains]
    made["instrument"] = operations["symbol"]
    made["side"] = operations["side"][chains]
    made["immediate"] = operations["time_in_force"] == IMMEDIATE_OR_CANCEL
    made["quantity"] = operations["quantity"]
    made["price"] = operations["price"]
    reduces = made["kind"] == REDUCE_KIND
    made["quantity"][reduces] = decrements_of(operations, chains)[reduces]
    return made


@dataclass(frozen=True)
class Answer:
    """What a peer said of one run; latencies only of a timed one: counts by nanosecond."""

    messages: int
    elapsed_ns: int
    cpu_ns: int
    executions: int
    executed_quantity: int
    orders_live: int
    memory_bytes: int
    latencies: npt.NDArray[np.int64] | None


class Peer:
    """One running peer. Use it as a context: it ends with its standard input."""

    def __init__(self, command: str) -> None:
        self.command = command
        try:
            self.process = subprocess.Popen(
                shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            raise UserError(f"{command}: {error.strerror}", Exit.USAGE) from error
        _, payload = self._ask(HELLO)
        self.name = payload.decode("utf-8", "replace")

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()

    def load_orders(self, flow: Flow, opening: int, orders_max: int) -> bool:
        """Give it a flow to run; False when it does not do this."""
        ticks = flow.tick_sizes()
        head = np.zeros(len(ticks) + len(ticks) % 2, "<u4")
        head[: len(ticks)] = ticks
        messages = messages_of(flow)
        status, _ = self._ask(
            LOAD_ORDERS,
            head.tobytes() + messages.tobytes(),
            messages=len(messages),
            opening=opening,
            instruments=len(ticks),
            orders_max=orders_max,
        )
        return status[1] == OK

    def load_itch(self, data: bytes) -> bool:
        """Give it an ITCH 5.0 file to build books from; False when it does not do this."""
        status, _ = self._ask(LOAD_ITCH, data)
        return status[1] == OK

    def run(self, way: int) -> Answer:
        """Run over what was loaded, from empty books."""
        reply, payload = self._ask(RUN, way=way)
        counts = np.frombuffer(payload, "<u4").astype(np.int64) if payload else None
        if counts is not None and len(counts) != LATENCIES:
            raise self._fault(f"found {len(counts)} latencies, expected {LATENCIES}")
        if reply[1] != OK:
            raise self._fault(f"found status {reply[1]} after a run, expected {OK}")
        messages, elapsed, cpu, executions, executed, live, memory = reply[3:]
        return Answer(messages, elapsed, cpu, executions, executed, live, memory, counts)

    def _fault(self, text: str) -> UserError:
        return UserError(f"{self.command}: {text}", Exit.USAGE)

    def _ask(
        self,
        kind: int,
        payload: bytes = b"",
        messages: int = 0,
        opening: int = 0,
        instruments: int = 0,
        way: int = 0,
        orders_max: int = 0,
    ) -> tuple[tuple[int, ...], bytes]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        head = REQUEST.pack(
            MAGIC, kind, len(payload), messages, opening, instruments, way, orders_max
        )
        try:
            self.process.stdin.write(head + payload)
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self._fault("ended before its input did") from error
        answer = self.process.stdout.read(REPLY.size)
        if len(answer) != REPLY.size:
            raise self._fault("ended without a reply")
        reply = REPLY.unpack(answer)
        if reply[0] != MAGIC:
            raise self._fault(f"found {reply[0]!r} at the start of a reply, expected {MAGIC!r}")
        body = self.process.stdout.read(reply[2])
        if len(body) != reply[2]:
            raise self._fault("ended within a reply")
        return reply, body
