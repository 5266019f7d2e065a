"""`python -m ironpit.bench.fan_out_ends publish|subscribe SETTINGS`: the processes of fan_out."""

import json
import sys
import threading
import time
from typing import Any

from ironcore.base.histogram import LatencyHistogram
from ironcore.bench.stream import offer_paced, take_until
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp.publication import TcpPublication
from ironpit.config import Endpoint
from ironpit.transport.ends import Counting, Where
from ironpit.transport.kinds import transport_of
from ironpit.transport.multicast import Group

SESSION = "BENCH"
GROUP = Endpoint("239.78.1.1", 26400)
PORT = 26700
IDLE_NS = 5_000_000
QUIET_NS = 3_000_000_000
TURN_S = 0.001
# In the publisher's process: what readers ask for after the last frame is answered so long.
AFTERWARDS_S = 1.0
BUFFER_BYTES = 16 << 20


def _where(settings: dict[str, Any], **options: Any) -> Where:
    """The stream, by the transport that is measured."""
    name = settings["transport"]
    if name == "multicast":
        group = Group(GROUP, settings["interface"])
        return Where(name, name, groups=(group,), options=options)
    return Where(name, name, endpoint=Endpoint(settings["address"], PORT), options=options)


def publish(settings: dict[str, Any]) -> dict[str, Any]:
    """What the frames cost."""
    told = {"multicast": {"ttl": 2}, "tcp": {"connections_max": settings["subscribers"]}}
    where = _where(settings, **told[settings["transport"]])
    offer = transport_of(where.transport).offer(where, Counting("publication"), print)
    publication = offer.publish(SESSION)
    print("open", flush=True)
    if isinstance(publication, TcpPublication):
        while publication.connected < settings["subscribers"]:
            publication.turn()
            time.sleep(TURN_S)
    print("ready", flush=True)
    sys.stdin.readline()
    publication.turn()
    offers = LatencyHistogram()
    found = offer_paced(
        publication,
        settings["messages"],
        burst=settings["burst"],
        interval_ns=settings["interval_ns"],
        histogram=offers,
    )
    deadline_s = time.monotonic() + AFTERWARDS_S
    while time.monotonic() < deadline_s:
        publication.turn()
        time.sleep(TURN_S)
    return {**found, "offer_ns": offers.summary()}


def subscribe(settings: dict[str, Any]) -> dict[str, Any]:
    """How many frames all of them got together."""
    ends: list[SubscriptionEnd] = []
    for number in range(settings["subscribers"]):
        told: dict[str, dict[str, Any]] = {
            "multicast": {"buffer_bytes": BUFFER_BYTES},
            "tcp": {"name": f"R{number}", "seed": number},
        }
        where = _where(settings, **told[settings["transport"]])
        source = transport_of(where.transport).subscribe(where, Counting("subscription"), print)
        ends.append(source.end)
    if settings["transport"] == "tcp":
        for end in ends:
            end.poll(lambda sequence, frame: None)
    frames: list[int] = []
    sequence_end = settings["messages"] + 1

    def take(end: SubscriptionEnd) -> None:
        got = take_until(end, sequence_end, timeout_ns=QUIET_NS, idle_ns=IDLE_NS)
        frames.append(got["frames"])

    threads = [threading.Thread(target=take, args=(end,)) for end in ends]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    for thread in threads:
        thread.join()
    return {"frames": sum(frames)}


if __name__ == "__main__":
    chosen = {"publish": publish, "subscribe": subscribe}[sys.argv[1]]
    print(json.dumps(chosen(json.loads(sys.argv[2]))))
