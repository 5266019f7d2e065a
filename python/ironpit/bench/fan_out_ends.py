"""`python -m ironpit.bench.fan_out_ends publish|subscribe SETTINGS`: the processes of fan_out."""

import json
import sys
import threading
import time
from typing import Any

from ironcore.base.histogram import LatencyHistogram
from ironcore.bench.stream import offer_paced, take_until
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.config import Endpoint
from ironpit.transport import multicast, tcp
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


def publish(settings: dict[str, Any]) -> dict[str, Any]:
    """What the frames cost."""
    publication: PublicationEnd
    opened: Any
    if settings["transport"] == "multicast":
        opened = multicast.publish(SESSION, Group(GROUP, settings["interface"]), ttl=2)
        publication = opened.end
        print("open", flush=True)
    else:
        opened = tcp.listen(Endpoint(settings["address"], PORT), "listen")
        publication = connected = TcpPublication(
            opened.fileno(), SESSION, connections_max=settings["subscribers"]
        )
        print("open", flush=True)
        while connected.connected < settings["subscribers"]:
            connected.turn()
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
    opened: list[Any] = []
    ends: list[SubscriptionEnd] = []
    for number in range(settings["subscribers"]):
        if settings["transport"] == "multicast":
            group = Group(GROUP, settings["interface"])
            opened.append(multicast.subscribe(group, buffer_bytes=BUFFER_BYTES))
            ends.append(opened[-1].end)
        else:
            ends.append(TcpSubscription(settings["address"], PORT, f"R{number}", seed=number))
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
