"""One end of a ring in a process of its own, to be killed: ring_worker.py ROLE PATH PROGRESS FAULT.

Roles: spsc-producer, spsc-consumer, broadcast-producer, and broadcast-<reader's name>. Says
"broken: ..." when it sees what a ring must never do. PROGRESS holds the number of the last frame
judged, as one 64-bit word; FAULT is a consumer's, from selfcheck.FAULTS.
"""

import mmap
import sys

from ironcore.ring import broadcast, selfcheck, spsc

PAYLOAD_BYTES_MAX = 400
FOREVER = 1 << 62
TURN_NS = 1_000_000
UNRELEASED_MAX = 64


def consume(role: str, path: str, progress: memoryview, fault: str) -> None:
    before = progress[0]
    expected = 0
    consumer = spsc.Consumer(path) if role == "spsc-consumer" else None
    name = role.removeprefix("broadcast-")
    reader = broadcast.Reader(path, name) if consumer is None else None
    while True:
        if consumer is not None:
            outcomes = selfcheck.consume_spsc(
                consumer, expected, FOREVER, PAYLOAD_BYTES_MAX, fault, TURN_NS, progress
            )
        else:
            assert reader is not None
            status, outcomes = selfcheck.consume_broadcast(
                reader, expected, FOREVER, PAYLOAD_BYTES_MAX, fault, TURN_NS, progress
            )
            if status != 1:
                print(f"broken: {role} ended with status {status}", flush=True)
        if expected == 0 and outcomes.frames:
            first = outcomes.sequence_first
            if not before - UNRELEASED_MAX < first <= before + 1:
                print(f"broken: {role} had {before}, goes on with {first}", flush=True)
        if outcomes.forbidden:
            print(f"broken: {role} {outcomes}", flush=True)
        expected = outcomes.sequence_next


def main() -> None:
    role, path, progress_path, fault = sys.argv[1:]
    if role == "spsc-producer":
        producer = spsc.Producer(path)
        selfcheck.produce_spsc(producer, FOREVER, PAYLOAD_BYTES_MAX)
    elif role == "broadcast-producer":
        broadcaster = broadcast.Producer(path)
        selfcheck.produce_broadcast(broadcaster, FOREVER, PAYLOAD_BYTES_MAX)
    else:
        with open(progress_path, "r+b") as file, mmap.mmap(file.fileno(), 8) as mapping:
            consume(role, path, memoryview(mapping).cast("Q"), fault)


if __name__ == "__main__":
    main()
