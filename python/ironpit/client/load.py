"""Sends a flow to a venue and measures order to acknowledgement."""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ironcore.base.histogram import LatencyHistogram
from ironcore.client.load import Load
from ironpit.client.soup import enter_blocking
from ironpit.config import Endpoint
from ironpit.flow import Flow

SLICE_NS = 50_000_000
SILENCE_MAX_NS = 10_000_000_000
WINDOW = 64
SCHEDULE_SEED = 7
# Below this many cores the generator sleeps between sends, for spinning would starve the venue.
SPIN_CORES_MIN = 4
PERCENTILES = {"p50": "50", "p90": "90", "p99": "99", "p99_9": "99.9", "p99_99": "99.99"}


class LoadError(Exception):
    """The flow could not be sent to its end; the text says what happened."""


@dataclass(frozen=True)
class Member:
    """Who logs in, and where, if not where the others do."""

    username: str
    password: str
    venue: Endpoint | None = None


@dataclass(frozen=True)
class Pace:
    """rate: operations a second on a schedule made before the start, or None for as fast as
    acknowledged with `window` orders unacknowledged. arrivals: poisson or uniform."""

    rate: int | None = None
    arrivals: str = "poisson"
    window: int = WINDOW

    def due_ns(self, count: int) -> npt.NDArray[np.uint64] | None:
        """When each operation is due, in ns from the start."""
        if self.rate is None:
            return None
        mean_ns = 1_000_000_000 / self.rate
        if self.arrivals == "uniform":
            return (np.arange(count) * mean_ns).astype(np.uint64)
        random = np.random.Generator(np.random.PCG64(SCHEDULE_SEED))
        return np.cumsum(random.exponential(mean_ns, count)).astype(np.uint64)

    def __str__(self) -> str:
        if self.rate is None:
            return f"as fast as acknowledged, {self.window} orders unacknowledged"
        return f"{self.rate:,} messages/s, {self.arrivals} arrivals"


@dataclass(frozen=True)
class LoadResult:
    """What was sent and what came back.

    An order is an Enter or a Replace. A Replace whose order was no longer live gets no answer in
    OUCH 5.0; those are `ignored`, and neither sent nor acknowledged in the sense of `orders_*`.
    """

    messages: int
    orders_sent: int
    orders_acknowledged: int
    counts: dict[str, int]
    elapsed_ns: int
    histogram: LatencyHistogram

    @property
    def complete(self) -> bool:
        """Every order was acknowledged exactly once, and nothing strange was heard."""
        wrong = ("duplicates", "missing", "unknown", "malformed")
        return self.orders_sent == self.orders_acknowledged and not any(
            self.counts[name] for name in wrong
        )

    @property
    def throughput_per_s(self) -> int:
        """Messages a second from the first that was due to the last answer."""
        return self.messages * 1_000_000_000 // max(self.elapsed_ns, 1)

    def order_to_ack_ns(self) -> dict[str, int]:
        """Percentiles and maximum, from the intended time of sending."""
        found = {name: self.histogram.percentile_ns(p) for name, p in PERCENTILES.items()}
        return {**found, "max": self.histogram.max_ns if self.histogram.count else 0}

    def as_json(self) -> dict[str, Any]:
        """The part of a report that concerns the load."""
        return {
            "orders_sent": self.orders_sent,
            "orders_acknowledged": self.orders_acknowledged,
            "throughput_per_s": self.throughput_per_s,
            "order_to_ack_ns": self.order_to_ack_ns(),
        }


def run_load(
    venue: Endpoint,
    members: Sequence[Member],
    flow: Flow,
    pace: Pace,
    progress: Callable[[int], None] | None = None,
) -> LoadResult:
    """Log the members in, send the flow, and wait until the venue has answered all of it.

    One member for each session of the flow. LoginError, LoadError, OSError.
    """
    histogram = LatencyHistogram()
    connections: list[socket.socket] = []
    first_user_refs: list[int] = []
    try:
        for member in members:
            at = member.venue or venue
            address = (at.address, at.port)
            connection, user_ref = enter_blocking(address, member.username, member.password)
            connections.append(connection)
            first_user_refs.append(user_ref)
        load = Load(
            [connection.fileno() for connection in connections],
            list(flow.symbols),
            flow.operations,
            pace.due_ns(len(flow.operations)),
            histogram,
            first_user_refs=first_user_refs,
            window=pace.window,
            spin=len(os.sched_getaffinity(0)) >= SPIN_CORES_MIN,
        )
        _drive(load, progress)
    finally:
        for connection in connections:
            connection.close()
    counts = load.counts()
    return LoadResult(
        messages=load.sent,
        orders_sent=counts["sent"] - counts["ignored"],
        orders_acknowledged=counts["acknowledged"],
        counts=counts,
        elapsed_ns=load.elapsed_ns,
        histogram=histogram,
    )


def _drive(load: Load, progress: Callable[[int], None] | None) -> None:
    try:
        while not load.run(SLICE_NS):
            if progress is not None:
                progress(load.sent)
            if load.silent_ns > SILENCE_MAX_NS:
                raise LoadError(
                    f"the venue has said nothing for {SILENCE_MAX_NS // 10**9} s; "
                    f"{load.sent} messages were sent"
                )
    except ConnectionError as error:
        raise LoadError(f"{error}; {load.sent} messages were sent") from error
