"""One end of a stream in a process of its own, to be killed.

    python -m tests.conformance.peer publish TRANSPORT FILE COUNT
    python -m tests.conformance.peer receive TRANSPORT FILE COUNT

FILE is what the end remembers across its deaths. A publisher writes the number of each frame into
it before it offers the frame, as a journal would; a receiver appends the number of each that came.
"""

import os
import sys
import time
from pathlib import Path

from tests.conformance.stream import Receiver, frame_of
from tests.conformance.transport import Transport
from tests.conformance.transports import from_json

from ironcore.base.status import Status

NUMBER_BYTES = 8
BURST = 16
PAUSE_S = 0.0005


def journaled(file: Path) -> int:
    """The last number that a publisher wrote into its file, 0 without one."""
    return int.from_bytes(file.read_bytes()[:NUMBER_BYTES], "little") if file.exists() else 0


def received(file: Path) -> list[int]:
    """Every number that a receiver wrote into its file."""
    data = file.read_bytes() if file.exists() else b""
    whole = range(0, len(data) - len(data) % NUMBER_BYTES, NUMBER_BYTES)
    return [int.from_bytes(data[at : at + NUMBER_BYTES], "little") for at in whole]


def publish(transport: Transport, file: Path, count: int) -> None:
    """Everything up to number `count`, then the end of the stream, told until it is killed."""
    publication = transport.publication()
    last = journaled(file)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    while publication.sequence_next <= last:
        publication.recall(frame_of(publication.sequence_next))
    while publication.sequence_next <= count:
        for _ in range(BURST):
            sequence = publication.sequence_next
            os.pwrite(descriptor, sequence.to_bytes(NUMBER_BYTES, "little"), 0)
            if publication.offer(frame_of(sequence)) is not Status.OK or sequence == count:
                break
        publication.turn()
        time.sleep(PAUSE_S)
    publication.end()
    while True:
        publication.turn()
        time.sleep(PAUSE_S)


def receive(transport: Transport, file: Path, count: int) -> None:
    """Whatever comes after what came before, up to number `count`."""
    before = received(file)
    last = before[-1] if before else 0
    receiver = Receiver(transport.subscription(last + 1), next=last + 1, known=last)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while receiver.next <= count:
        first = receiver.next
        if receiver.poll(16) == 0:
            time.sleep(PAUSE_S)
        if receiver.gaps:
            sys.exit(f"gap: {receiver.gaps}")
        for sequence in range(first, receiver.next):
            os.write(descriptor, sequence.to_bytes(NUMBER_BYTES, "little"))


def main() -> None:
    verb, transport, file, count = sys.argv[1:]
    (publish if verb == "publish" else receive)(from_json(transport), Path(file), int(count))


if __name__ == "__main__":
    main()
