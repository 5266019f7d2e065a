"""Conversations between two Python processes, each spinning on a core of its own.

    python -m ironpit.bench.python_ends WIRE DIRECTORY CPU COURSE COUNT

is the far end, which `converse` starts; the near end measures, in its own process.
"""

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ironcore.base.status import Status
from ironcore.messaging import shm
from ironpit.common.errors import Exit, UserError

MESSAGE_BYTES = 64
CAPACITY_BYTES = 1 << 18
PATIENCE_S = 30.0
LOOKS_A_CLOCK = 1 << 16
ICEORYX2_BUFFER = 256  # messages a subscriber holds; its default of 2 would lose most of them

Handler = Callable[[int, Any], object]


class Wire(NamedTuple):
    """One end: what it sends with, and what it polls with, which calls the handler."""

    send: Callable[[Any], object]
    poll: Callable[[Handler], int]
    message: Any


class Figures(NamedTuple):
    """What was measured: ns of each block, ns of each single trip, ns of each block one way."""

    block_ns: NDArray[np.uint64]
    trip_ns: NDArray[np.uint64]
    way_ns: NDArray[np.uint64]


def _shm(directory: str, near: bool) -> Wire:
    there, back = f"{directory}/there.ring", f"{directory}/back.ring"
    if near:
        for path in (there, back):
            shm.create(path, CAPACITY_BYTES, {"far": shm.Gating()})
    out, incoming = (there, back) if near else (back, there)
    publication = shm.ShmPublication(out)
    subscription = shm.ShmSubscription(incoming, "far")
    return Wire(publication.offer, subscription.poll, bytes(MESSAGE_BYTES))


def _iceoryx2(directory: str, near: bool) -> Wire:
    """As its own examples do it: copies sent, samples received, every sample delivered."""
    iox2 = import_module("iceoryx2")
    iox2.set_log_level(iox2.LogLevel.Error)
    payload = ctypes.c_uint8 * MESSAGE_BYTES
    message = type("Message", (ctypes.Structure,), {"_fields_": [("payload", payload)]})
    node = iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)

    def service(name: str) -> Any:
        builder = node.service_builder(iox2.ServiceName.new(f"{directory}/{name}"))
        builder = builder.publish_subscribe(message).enable_safe_overflow(False)
        return builder.subscriber_max_buffer_size(ICEORYX2_BUFFER).open_or_create()

    out, incoming = service("there" if near else "back"), service("back" if near else "there")
    wait = iox2.BackpressureStrategy.RetryUntilDelivered
    publisher = out.publisher_builder().backpressure_strategy(wait).create()
    subscriber = incoming.subscriber_builder().create()
    receive = subscriber.receive

    def poll(handler: Handler) -> int:
        sample = receive()
        if sample is None:
            return 0
        handler(0, sample.payload().contents)
        return 1

    return Wire(publisher.send_copy, poll, message())


WIRES = {"shm": _shm, "iceoryx2": _iceoryx2}


def _ignore(sequence: int, frame: object) -> None:
    pass


def _await(wire: Wire) -> None:
    """Until one message came, or UserError."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        for _ in range(LOOKS_A_CLOCK):
            if wire.poll(_ignore):
                return
    raise UserError("the other end of a conversation does not answer", Exit.FAILED)


def _round_trips(wire: Wire, blocks: int, block_messages: int, trips: int) -> Figures:
    send, poll, message = wire
    handler, clock = _ignore, time.perf_counter_ns
    block_ns, trip_ns = [], []
    for _ in range(blocks):
        start_ns = clock()
        for _ in range(block_messages):
            send(message)
            while not poll(handler):
                pass
        block_ns.append(clock() - start_ns)
    for _ in range(trips):
        start_ns = clock()
        send(message)
        while not poll(handler):
            pass
        trip_ns.append(clock() - start_ns)
    return Figures(np.array(block_ns, np.uint64), np.array(trip_ns, np.uint64), _NONE)


_NONE = np.empty(0, np.uint64)


def _one_way(wire: Wire, blocks: int, block_messages: int) -> Figures:
    """From the first message of a block to the word that all of it has arrived."""
    send, message, clock = wire.send, wire.message, time.perf_counter_ns
    way_ns = []
    for _ in range(blocks):
        start_ns = clock()
        for _ in range(block_messages):
            while send(message) is Status.FULL:
                pass
        _await(wire)
        way_ns.append(clock() - start_ns)
    return Figures(_NONE, _NONE, np.array(way_ns, np.uint64))


def _echo(wire: Wire) -> None:
    """Until this process is ended."""
    send, poll = wire.send, wire.poll

    def answer(sequence: int, frame: object) -> None:
        send(frame)

    while True:
        poll(answer)


def _swallow(wire: Wire, block_messages: int) -> None:
    """Until this process is ended: one message back for each block."""
    poll, handler = wire.poll, _ignore
    while True:
        missing = block_messages
        while missing > 0:
            missing -= poll(handler)
        wire.send(wire.message)


def converse(
    name: str, directory: Path, cpus: tuple[int, int], blocks: int, messages: int, trips: int
) -> Figures:
    """Round trips when there are `trips`, otherwise one way; in blocks of so many messages.

    UserError when an end cannot be made.
    """
    before = os.sched_getaffinity(0)
    course = "echo" if trips else "swallow"
    command = [sys.executable, "-m", "ironpit.bench.python_ends", name, str(directory)]
    command += [str(cpus[1]), course, str(messages)]
    wire = WIRES[name](str(directory), True)
    with subprocess.Popen(command) as far:
        try:
            _await(wire)
            os.sched_setaffinity(0, {cpus[0]})
            if trips:
                return _round_trips(wire, blocks, messages, trips)
            return _one_way(wire, blocks, messages)
        finally:
            os.sched_setaffinity(0, before)
            far.kill()


def main() -> None:
    """The far end: says by one message that it is there, then does its part for ever."""
    name, directory, cpu, course, messages = sys.argv[1:]
    os.sched_setaffinity(0, {int(cpu)})
    wire = WIRES[name](directory, False)
    wire.send(wire.message)
    if course == "echo":
        _echo(wire)
    _swallow(wire, int(messages))


if __name__ == "__main__":
    main()
