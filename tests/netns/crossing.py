"""A stream from one namespace to others over a wire that does harm: what each end saw.

python -m tests.netns.crossing [COUNT [SUBSCRIBERS]]: all harms, beside none, as a table.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.conformance.harm import Harm
from tests.netns.ends import Settings
from tests.netns.network import Network, network

ENDS = [sys.executable, "-m", "tests.netns.ends"]
HARMS = {
    "none, kernel wire": Harm(),
    "1 % loss": Harm(loss=1),
    "10 % loss": Harm(loss=10),
    "none, user-space wire": Harm(in_user_space=True),
    "30 % loss in bursts of 20": Harm(loss=30, burst_packets=20),
    "duplication 10 %, reordering 10 %": Harm(duplicated=10, reordered=10),
    "all at once": Harm(loss=10, burst_packets=3, duplicated=5, reordered=5),
}


@dataclass
class Seen:
    """What the publisher and each subscriber said, and how many packets were harmed."""

    publisher: dict[str, Any]
    subscribers: list[dict[str, Any]]
    harmed: int


def _say_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


@contextmanager
def _ends(
    built: Network, count: int, ways: Sequence[dict[str, Any]]
) -> Iterator[list[subprocess.Popen[str]]]:
    server = built.address(0)
    started = []
    try:
        for index in range(built.hosts):
            way = ways[index] if index < len(ways) else {}
            settings = Settings(built.address(index), server, count, **way).as_json()
            verb = "subscribe" if index else "publish"
            command = built.inside(built.host(index), *ENDS, verb, settings)
            started.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        for process in started:
            _say_ready(process)
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def cross(
    harm: Harm, count: int, subscribers: int = 1, ways: Sequence[dict[str, Any]] = ()
) -> Seen:
    """One stream of `count` frames from a namespace to `subscribers` others. ways: of each end, in
    which settings it is not as the others."""
    with (
        network(1 + subscribers, harm) as built,
        _ends(built, count, ways) as (publisher, *readers),
    ):
        assert publisher.stdin is not None
        publisher.stdin.write("go\n")
        publisher.stdin.flush()
        seen = [json.loads(reader.communicate()[0]) for reader in readers]
        said = json.loads(publisher.communicate()[0])
        return Seen(said, seen, built.harmed())


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    subscribers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    for name, harm in HARMS.items():
        seen = cross(harm, count, subscribers)
        publisher = seen.publisher
        same = all(s["digest"] == publisher["digest"] for s in seen.subscribers)
        print(
            f"| {name} | {'identical' if same else 'DIFFERENT'} | {seen.harmed:,} | "
            f"{sum(s['counters']['recovered'] for s in seen.subscribers):,} | "
            f"{publisher['rate_per_s']:,.0f} | {publisher['late_bursts']} | "
            f"{publisher['cpu_ns']:,.0f} | {publisher['offer_ns']['p99']:,} | "
            f"{_worst(seen, 'latency_ns')} | {_worst(seen, 'waited_ns')} |",
            flush=True,
        )


def _worst(seen: Seen, name: str) -> str:
    """p50 / p99 / max in ms of the subscriber with the highest of each."""
    found = [s[name] for s in seen.subscribers if s[name]]
    if not found:
        return "-"
    return " / ".join(f"{max(f[key] for f in found) / 1e6:.2f}" for key in ("p50", "p99", "max"))


if __name__ == "__main__":
    main()
