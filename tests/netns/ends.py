"""The ends of a multicast stream, each in a namespace of its own; used by `crossing`.

    python -m tests.netns.ends publish SETTINGS
    python -m tests.netns.ends subscribe SETTINGS

Each frame has its number, the time at which it was offered, and bytes that follow from its number.
Both ends digest all of it. A publisher says "ready", publishes when it is told "go", and goes on
answering until its standard input is closed; then it says what it saw. A subscriber says "ready",
and what it saw when it has everything.
"""

import hashlib
import json
import resource
import select
import struct
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from ironcore.base.histogram import LatencyHistogram
from ironcore.base.status import Status
from ironpit.config import Endpoint
from ironpit.transport import multicast
from ironpit.transport.af_xdp import Way, Wish
from ironpit.transport.multicast import Group

SESSION = "NETNS"
HEAD = struct.Struct("<QQ")
TAIL = bytes(range(48))
WAIT_S = 0.0005
STALL_NS = 1_000_000


@dataclass(frozen=True)
class Settings:
    """Addresses and pace. burst: frames offered back to back, every interval_ns."""

    address: str
    server: str
    count: int
    burst: int = 100
    interval_ns: int = 2_000_000
    group: str = "239.77.1.1"
    port: int = 26400
    server_port: int = 26500
    window_bytes: int = 256 << 20
    timeout_s: float = 120.0
    send: Way = "kernel"
    receive: Way = "kernel"
    busy_poll_ns: int = 0
    b: str = ""

    def where(self) -> list[Group]:
        """The groups, and how they are to be carried."""
        wish = Wish(self.send, self.receive, busy_poll_ns=self.busy_poll_ns)
        groups = [self.group, self.b] if self.b else [self.group]
        return [Group(Endpoint(group, self.port), self.address, wish) for group in groups]

    def as_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))


def percentiles(histogram: LatencyHistogram) -> dict[str, int]:
    """In ns."""
    summary = histogram.summary()
    return {name: summary[name] for name in ("p50", "p99", "p99_9", "max")}


def publish(settings: Settings) -> dict[str, Any]:
    """What was offered, how fast, and what it cost."""
    opened = multicast.publish(
        SESSION,
        *settings.where(),
        ttl=4,
        loop=settings.send == "kernel",
        rerequest=Endpoint(settings.address, settings.server_port),
        heartbeat_ns=10_000_000,
        window_bytes=settings.window_bytes,
        rate=1_000_000,
        burst=1_000_000,
    )
    publication = opened.end
    digest, offers = hashlib.sha256(), LatencyHistogram()
    print("ready", flush=True)
    sys.stdin.readline()
    cpu_s, start_ns = cpu(), time.monotonic_ns()
    due_ns, late, sequence = start_ns, 0, 0
    while sequence < settings.count:
        for _ in range(min(settings.burst, settings.count - sequence)):
            sequence += 1
            now_ns = time.monotonic_ns()
            frame = HEAD.pack(sequence, now_ns) + TAIL
            while publication.offer(frame) is not Status.OK:
                publication.turn()
            offers.record(time.monotonic_ns() - now_ns)
            digest.update(frame)
        publication.turn()
        due_ns += settings.interval_ns
        late += time.monotonic_ns() > due_ns
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            publication.turn()
            time.sleep(min(left_ns / 1e9, 0.0002))
    elapsed_ns, cpu_s = time.monotonic_ns() - start_ns, cpu() - cpu_s
    while not select.select([sys.stdin], [], [], 0)[0]:
        publication.turn()
        time.sleep(0.0001)
    return {
        "digest": digest.hexdigest(),
        "rate_per_s": settings.count / elapsed_ns * 1e9,
        "cpu_ns": cpu_s * 1e9 / settings.count,
        "late_bursts": late,
        "offer_ns": percentiles(offers),
        "feeds": [truth.as_json() for truth in opened.truths],
        "counters": publication.counters.snapshot(),
    }


def cpu() -> float:
    """Seconds of CPU time that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def subscribe(settings: Settings) -> dict[str, Any]:
    """Every frame, in order, and how late it was."""
    opened = multicast.subscribe(
        *settings.where(),
        rerequest=Endpoint(settings.server, settings.server_port),
    )
    subscription = opened.end
    digest, latency, recovery = hashlib.sha256(), LatencyHistogram(), LatencyHistogram()
    gaps: list[tuple[int, int]] = []
    recovered = 0

    def take(sequence: int, frame: bytes) -> None:
        number, offered_ns = HEAD.unpack_from(frame)
        assert number == sequence
        late_ns = time.monotonic_ns() - offered_ns
        latency.record(late_ns)
        if was_open:
            recovery.record(late_ns)
        digest.update(frame)

    print("ready", flush=True)
    deadline_s = time.monotonic() + settings.timeout_s
    while subscription.sequence_next <= settings.count and time.monotonic() < deadline_s:
        before = recovered
        recovered = subscription.counters.snapshot()["recovered"]
        # Frames that came while some were being recovered waited for these.
        was_open = recovered > before or not subscription.complete
        if subscription.poll(take, 512, lambda first, count: gaps.append((first, count))) == 0:
            time.sleep(WAIT_S)
    return {
        "digest": digest.hexdigest(),
        "next": subscription.sequence_next,
        "gaps": gaps,
        "latency_ns": percentiles(latency),
        "waited_ns": percentiles(recovery) if recovery.count else {},
        "feeds": [truth.as_json() for truth in opened.truths],
        "counters": subscription.counters.snapshot(),
    }


if __name__ == "__main__":
    wanted = Settings(**json.loads(sys.argv[2]))
    print(json.dumps({"publish": publish, "subscribe": subscribe}[sys.argv[1]](wanted)))
