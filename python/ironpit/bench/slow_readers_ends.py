"""`python -m ironpit.bench.slow_readers_ends publish|good|bad SETTINGS`: the ends of slow_readers.

A bad reader follows the stream until it is stopped or killed from outside, or, when its name says
so, takes the least that it can, once a second, from the beginning.
"""

import json
import os
import select
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironcore.base.histogram import LatencyHistogram
from ironcore.bench.stream import offer_paced, take_until
from ironcore.messaging import shm
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import Gating, ShmSubscription
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironcore.wire import soupbin
from ironpit.config import Endpoint
from ironpit.transport.ends import Counting, Where
from ironpit.transport.kinds import transport_of

SESSION = "BENCH"
ADDRESS = "127.0.0.1"
GOOD, STOPPED, DRIPPING, KILLED = "GOOD", "STOP", "DRIP", "KILL"
BAD = (STOPPED, DRIPPING, KILLED)
RING_BYTES = 1 << 20
WINDOW_BYTES = 1 << 22
QUEUE_BYTES = 1 << 21
PATIENCE_NS = 20_000_000
PACE = ("frame_bytes", "burst", "interval_ns", "spin")
TURN_S = 0.001
DRIP_S = 1.0
# A reader that does not read lets little pile up in the sockets, so that it is noticed soon.
BUFFER_BYTES = 4096
QUIET_NS = 5_000_000_000


def _turn_until_told(publication: PublicationEnd) -> None:
    """Until a line comes, or the end."""
    while not select.select([sys.stdin], [], [], TURN_S)[0]:
        publication.turn()
    sys.stdin.readline()


def _where(settings: dict[str, Any], **options: Any) -> Where:
    """The stream, by the transport of the carrier that is measured."""
    if settings["carrier"].startswith("shm"):
        return Where("shm", "ring", parted=True, path=Path(settings["path"]), options=options)
    return Where("tcp", "listen", endpoint=Endpoint(ADDRESS, settings["port"]), options=options)


def publish(settings: dict[str, Any]) -> dict[str, Any]:
    """What offers and turns took, after a part of the stream that every reader was to follow."""
    options: dict[str, Any] = {}
    if settings["carrier"].startswith("shm"):
        gating = {GOOD: Gating()}
        if settings["carrier"] == "shm" and settings["bad"]:
            gating |= dict.fromkeys(BAD, Gating(PATIENCE_NS))
        shm.create(settings["path"], RING_BYTES, gating)
    else:
        options = {
            "policy": settings["carrier"].removeprefix("tcp-"),
            "window_bytes": WINDOW_BYTES,
            "queue_bytes": QUEUE_BYTES,
        }
    where = _where(settings, **options)
    offer = transport_of(where.transport).offer(where, Counting("publication"), print)
    publication = offer.publish(SESSION)
    print("open", flush=True)
    _turn_until_told(publication)
    pace: dict[str, Any] = {name: settings[name] for name in PACE}
    offer_paced(publication, settings["warm_up"], **pace)
    print("warm", flush=True)
    _turn_until_told(publication)
    offers, turns = LatencyHistogram(), LatencyHistogram()
    found = offer_paced(publication, settings["messages"], histogram=offers, turns=turns, **pace)
    named = _named(publication, settings)
    text = {"offers": offers.encode(), "turns": turns.encode(), "named": named, **found}
    print(json.dumps(text), flush=True)
    _turn_until_told(publication)
    return {}


def _named(publication: PublicationEnd, settings: dict[str, Any]) -> list[str]:
    """The readers that the publication has not waited for."""
    if isinstance(publication, TcpPublication):
        return sorted(str(r["name"]) for r in publication.reader_counts() if r["slow"])
    return sorted(r.name for r in shm.reader_states(settings["path"]) if r.evictions)


def _ignore(sequence: int, frame: bytes) -> None:
    """Taken, and that is all."""


def good(settings: dict[str, Any]) -> dict[str, Any]:
    """How much of the stream came."""
    shared = settings["carrier"].startswith("shm")
    where = _where(settings, **{"reader" if shared else "name": GOOD})
    end: SubscriptionEnd = (
        transport_of(where.transport).subscribe(where, Counting("subscription"), print).end
    )
    if isinstance(end, TcpSubscription):
        while not end.live:
            end.poll(_ignore)
            time.sleep(TURN_S)
    print("ready", flush=True)
    last = settings["warm_up"] + settings["messages"]
    return take_until(end, last + 1, timeout_ns=QUIET_NS)


def bad(settings: dict[str, Any]) -> dict[str, Any]:
    """Until it is killed, or the stream ends."""
    name = settings["name"]
    take = _shm_reader(settings) if settings["carrier"].startswith("shm") else _tcp_reader(settings)
    print("ready", flush=True)
    while take():
        time.sleep(DRIP_S if name == DRIPPING else TURN_S)
    return {}


def _shm_reader(settings: dict[str, Any]) -> Callable[[], bool]:
    """One that takes one frame, or what there is. Evicted, it stays so."""
    gating = settings["carrier"] == "shm"
    end = ShmSubscription(settings["path"], settings["name"] if gating else "")
    batch_max = 1 if settings["name"] == DRIPPING else 256
    return lambda: end.poll(_ignore, batch_max) >= 0


def _tcp_reader(settings: dict[str, Any]) -> Callable[[], bool]:
    """One that takes one byte, or what there is. Disconnected, it does not come again."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    sock.connect((ADDRESS, settings["port"]))
    login = {"username": settings["name"], "password": "", "requested_sequence": 1}
    sock.sendall(soupbin.encode("LoginRequest", **login))
    sock.recv(1)
    bytes_max = 1 if settings["name"] == DRIPPING else 65536
    return lambda: bool(sock.recv(bytes_max))


def _place(part: str, cpu: int) -> None:
    """The publisher on its core, all others elsewhere, as far as there is an elsewhere."""
    allowed = os.sched_getaffinity(0)
    if cpu in allowed and len(allowed) > 1:
        os.sched_setaffinity(0, {cpu} if part == "publish" else allowed - {cpu})


def main() -> None:
    """One end; what it says at last is JSON."""
    part, settings = sys.argv[1], json.loads(sys.argv[2])
    _place(part, settings["cpu"])
    chosen = {"publish": publish, "good": good, "bad": bad}[part]
    print(json.dumps(chosen(settings)))


if __name__ == "__main__":
    main()
