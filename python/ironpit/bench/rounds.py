"""Interleaved rounds of one workload: every contestant takes its turn in every round, so that all
of them see the same host, and the statistics of what they took."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ironcore.bench.match import Took
from ironpit.common.errors import UserError

PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "p99_99": 99.99}
WAYS = ("queued", "one_at_a_time")


class Contestant(Protocol):
    """Who can run the workload that it was given: way is one of WAYS."""

    def run(self, way: str, timed: bool = False) -> Took: ...


@dataclass
class Series:
    """What one contestant took in one way, over all rounds."""

    messages: int
    elapsed_ns: list[int] = field(default_factory=list)
    cpu_ns: list[int] = field(default_factory=list)
    memory_bytes: int = 0
    latencies: npt.NDArray[np.int64] | None = None

    def add(self, took: Took) -> None:
        self.elapsed_ns.append(took.elapsed_ns)
        self.cpu_ns.append(took.cpu_ns)
        self.memory_bytes = max(self.memory_bytes, took.memory_bytes)

    def add_latencies(self, took: Took) -> None:
        assert took.latencies is not None
        before = self.latencies
        self.latencies = took.latencies if before is None else before + took.latencies

    def ns_per_message(self) -> npt.NDArray[np.float64]:
        return np.array(self.elapsed_ns, np.float64) / self.messages

    def report(self) -> dict[str, Any]:
        """The median round, the fastest and the slowest. cpu_ns_per_message leaves out what the
        thread waited for a core: on a busy host this is the figure to look at."""
        rounds = self.ns_per_message()
        median = float(np.median(rounds))
        found: dict[str, Any] = {
            "messages_per_s": round(1e9 / median),
            "cpu_ns_per_message": round(float(np.median(self.cpu_ns)) / self.messages, 2),
            "ns_per_message": round(median, 2),
            "ns_per_message_min": round(float(rounds.min()), 2),
            "ns_per_message_max": round(float(rounds.max()), 2),
        }
        if self.memory_bytes:
            found["memory_bytes"] = self.memory_bytes
        if self.latencies is not None:
            found["latency_ns"] = percentiles(self.latencies)
        return found


def percentiles(counts: npt.NDArray[np.int64]) -> dict[str, int]:
    """Of counts by nanosecond: the smallest latency that so many percent do not exceed."""
    cumulated = np.cumsum(counts)
    ranks = [int(np.ceil(cumulated[-1] * percent / 100)) for percent in PERCENTILES.values()]
    found = np.searchsorted(cumulated, ranks, side="left")
    return {name: int(value) for name, value in zip(PERCENTILES, found, strict=True)}


def take_turns(
    contestants: Sequence[tuple[Contestant, Sequence[str]]], messages: int, rounds: int
) -> list[dict[str, Series] | str]:
    """For each contestant a series for each of its ways, or why it could not go on. The first
    round, in which memory is touched for the first time, does not count."""
    found: list[dict[str, Series] | str] = [
        {way: Series(messages) for way in ways} for _, ways in contestants
    ]
    for number in range(rounds + 1):
        for index, (contestant, ways) in enumerate(contestants):
            own = found[index]
            if isinstance(own, str):
                continue
            try:
                _take_turn(contestant, ways, own, counts=number > 0)
            except UserError as error:
                found[index] = str(error)
    return found


def _take_turn(
    contestant: Contestant, ways: Sequence[str], own: dict[str, Series], counts: bool
) -> None:
    for way in ways:
        took = contestant.run(way)
        timed = contestant.run(way, timed=True) if way in WAYS else None
        if counts:
            own[way].add(took)
        if counts and timed is not None:
            own[way].add_latencies(timed)


def compare(ours: Series, theirs: Series) -> dict[str, Any]:
    """How many times as fast we are: the median of the rounds' ratios, the lowest and the highest,
    and the ratio of the fastest rounds, which the host has disturbed least.
    Ratios of latencies are the other way round: ours as a part of theirs."""
    ratios = theirs.ns_per_message() / ours.ns_per_message()
    cpu = np.median(np.array(theirs.cpu_ns) / np.maximum(np.array(ours.cpu_ns), 1))
    found: dict[str, Any] = {
        "times_as_fast": round(float(np.median(ratios)), 2),
        "times_as_fast_min": round(float(ratios.min()), 2),
        "times_as_fast_max": round(float(ratios.max()), 2),
        "times_as_fast_at_best": round(float(min(theirs.elapsed_ns) / min(ours.elapsed_ns)), 2),
        "times_as_fast_by_cpu": round(float(cpu), 2),
    }
    if ours.latencies is not None and theirs.latencies is not None:
        own, other = percentiles(ours.latencies), percentiles(theirs.latencies)
        found["latency_part"] = {name: round(own[name] / max(other[name], 1), 3) for name in own}
    return found
