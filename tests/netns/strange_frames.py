"""One end of a wire of strange frames; used by test_af_xdp.

    python -m tests.netns.strange_frames listen ADDRESS GROUP PORT WISH
    python -m tests.netns.strange_frames publish ADDRESS GROUP PORT WISH
    python -m tests.netns.strange_frames again ADDRESS GROUP PORT
    python -m tests.netns.strange_frames send HEX...

`listen` subscribes as WISH (JSON) says; it answers each line on its standard input, after looking
until nothing comes, with the frames and the truth in JSON. `publish` sends each line that it reads
as a frame, and says what came of it. `again` opens and closes at once, again
and again. `send` puts frames on eth0.
"""

import json
import socket
import sys
import time
from typing import Any

from ironpit.config import Endpoint
from ironpit.transport import multicast
from ironpit.transport.af_xdp import Wish
from ironpit.transport.multicast import Group, MulticastError, Opened

QUIET_S = 0.3
HOUR_NS = 3_600_000_000_000


def listen(address: str, group: str, port: str, wish: str) -> None:
    """Prints a line when it listens, and one for each line that it reads."""
    where = Group(Endpoint(group, int(port)), address, Wish(**json.loads(wish)))
    try:
        opened = multicast.subscribe(where, session="STRANGE")
    except MulticastError as error:
        print(json.dumps({"refused": str(error)}), flush=True)
        return
    frames: list[str] = []

    def take(sequence: int, frame: bytes) -> None:
        frames.append(frame.decode())

    print(json.dumps({"feeds": [t.as_json() for t in opened.truths]}), flush=True)
    for _ in sys.stdin:
        until_s = time.monotonic() + QUIET_S
        while time.monotonic() < until_s:
            if opened.end.poll(take) > 0:
                until_s = time.monotonic() + QUIET_S
        counters = opened.end.counters.snapshot()
        feeds = [t.as_json() for t in opened.truths]
        print(json.dumps({"frames": frames, "counters": counters, "feeds": feeds}), flush=True)


def publish(address: str, group: str, port: str, wish: str) -> None:
    """Prints a line when it is open, and one for each line that it reads."""
    where = Group(Endpoint(group, int(port)), address, Wish(**json.loads(wish)))
    loop = where.xdp.send == "kernel"
    opened = multicast.publish("STRANGE", where, ttl=1, loop=loop, heartbeat_ns=HOUR_NS)
    print(json.dumps({"feeds": [t.as_json() for t in opened.truths]}), flush=True)
    for line in sys.stdin:
        opened.end.offer(line.strip().encode())
        opened.end.turn()
        counters = opened.end.counters.snapshot()
        feeds = [t.as_json() for t in opened.truths]
        print(json.dumps({"counters": counters, "feeds": feeds}), flush=True)


def again(address: str, group: str, port: str) -> None:
    """Open and close, for both directions, five times: prints how each of them went."""
    where = Group(Endpoint(group, int(port)), address, Wish("af_xdp", "af_xdp"))
    modes = []
    for turn in range(10):
        opened: Opened[Any] = (
            multicast.publish("STRANGE", where, ttl=1, loop=False)
            if turn % 2
            else multicast.subscribe(where, session="STRANGE")
        )
        modes += [truth.mode for truth in opened.truths]
        opened.close()
    print(json.dumps(modes))


def send(frames: list[str]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind(("eth0", 0))
        for frame in frames:
            sock.send(bytes.fromhex(frame))


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2:])
    elif sys.argv[1] == "publish":
        publish(*sys.argv[2:])
    elif sys.argv[1] == "again":
        again(*sys.argv[2:])
    else:
        listen(*sys.argv[2:])
