"""`ironpit bench slow-readers`: what bad readers cost the publisher of a stream.

A publisher process offers frames in bursts at a steady pace to a good reader, and in every second
run to three bad ones beside it: one is stopped (SIGSTOP) and one killed before the offers that are
timed, one takes a byte a second (over shared memory, a frame). All are processes. The ratio is that
of the p99 of the time of an offer with the bad readers to that without, in the same round. An offer
that is refused is repeated, and its time is from before the first attempt.

The publisher has the core `cpu`, all readers the others, and it spins between bursts, which are so
long that fewer than one offer in a hundred is the first one after a turn. With `--sleep` it sleeps,
and those that come first find cold caches.
"""

import json
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ironcore.base.histogram import LatencyHistogram
from ironpit.bench import plans
from ironpit.bench.ring import DIRECTORY
from ironpit.bench.slow_readers_ends import BAD, KILLED, STOPPED
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_ns, table
from ironpit.demo.temporary_venue import free_port

CARRIERS = {
    "shm": "shm, gating with patience",
    "shm-lossy": "shm, lossy",
    "tcp-disconnect": "tcp, disconnect",
    "tcp-conflate": "tcp, conflate",
}
ENDS = [sys.executable, "-m", "ironpit.bench.slow_readers_ends"]
TIMEOUT_S = 60
WARM_UP_SHARE = 4
GOAL = 1.05
PARTS = ("offers", "turns")


@dataclass(frozen=True)
class Plan:
    """What to measure, how much and how often."""

    carriers: tuple[str, ...] = plans.names("ends to measure (default: all)", "CARRIER")
    messages: int = plans.number(60_000, "frames in each run")
    rounds: int = plans.rounds(5)
    frame_bytes: int = plans.number(256, "bytes of a frame", lowest=8, highest=1280)
    burst: int = plans.number(256, "frames that are offered at once")
    interval_us: int = plans.number(4_000, "microseconds from one burst to the next")
    sleep: bool = plans.switch("sleep between bursts instead of spinning")
    cpu: int = plans.cpu(0, "the publisher")


class _Processes:
    """The ends of one run; those that still run are killed at the end."""

    def __init__(self, stack: ExitStack, settings: dict[str, Any]) -> None:
        self.stack = stack
        self.settings = settings

    def start(self, part: str, expected: str, **more: Any) -> subprocess.Popen[str]:
        """One that has said the expected word."""
        process = subprocess.Popen(
            [*ENDS, part, json.dumps({**self.settings, **more})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        _hear(process, expected)
        return process


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _hear(process: subprocess.Popen[str], word: str) -> None:
    found = _line(process)
    if found != word:
        raise UserError(f"a process said {found!r}, expected {word!r}", Exit.FAILED)


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go on\n")
    process.stdin.flush()


def measure(carrier: str, with_bad: bool, plan: Plan) -> dict[str, Any]:
    """One run: what the publisher says, and the frames that the good reader missed."""
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(dir=DIRECTORY))
        settings: dict[str, Any] = {
            "carrier": carrier,
            "bad": with_bad,
            "path": f"{scratch}/stream.ring",
            "port": free_port(socket.SOCK_STREAM),
            "messages": plan.messages,
            "warm_up": plan.messages // WARM_UP_SHARE,
            "frame_bytes": plan.frame_bytes,
            "burst": plan.burst,
            "interval_ns": plan.interval_us * 1_000,
            "spin": not plan.sleep,
            "cpu": plan.cpu,
        }
        processes = _Processes(stack, settings)
        publisher = processes.start("publish", "open")
        good = processes.start("good", "ready")
        bad = {name: processes.start("bad", "ready", name=name) for name in BAD if with_bad}
        _tell(publisher)
        _hear(publisher, "warm")
        if with_bad:
            bad[STOPPED].send_signal(signal.SIGSTOP)
            bad[KILLED].kill()
            bad[KILLED].wait()
        _tell(publisher)
        found: dict[str, Any] = json.loads(_line(publisher))
        taken = json.loads(good.communicate(timeout=TIMEOUT_S)[0])
    found["missed"] = plan.messages + settings["warm_up"] - taken["frames"]
    return found


def run(plan: Plan) -> dict[str, Any]:
    """The report. Carriers take turns, without the bad readers and with them, `rounds` times."""
    for carrier in plan.carriers:
        if carrier not in CARRIERS:
            expected = ", ".join(CARRIERS)
            raise UserError(f"carrier: found {carrier!r}, expected one of {expected}", Exit.USAGE)
    wanted = [carrier for carrier in CARRIERS if carrier in plan.carriers or not plan.carriers]
    rounds: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {c: [] for c in wanted}
    for number in range(plan.rounds):
        for carrier in wanted:
            # Who goes first changes, so that what the first run finds cold favours nobody.
            first = measure(carrier, number % 2 == 1, plan)
            second = measure(carrier, number % 2 == 0, plan)
            rounds[carrier].append((second, first) if number % 2 else (first, second))
    return {
        "schema": "ironpit-bench-slow-readers-1",
        "measured": f"time of an offer, {plan.frame_bytes}-byte frames in bursts of {plan.burst} "
        f"every {plan.interval_us} us, {'sleeping' if plan.sleep else 'spinning'} in between, "
        f"{plan.messages} frames, {plan.rounds} rounds in turn; one "
        f"good reader, and beside it {', '.join(BAD)} in every second run. Of all rounds together; "
        "the ratio is that of a round's p99: median, lowest and highest",
        "goal": GOAL,
        "carriers": {carrier: _carrier(found) for carrier, found in rounds.items()},
    }


def _carrier(rounds: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    report: dict[str, Any] = {
        "named": sorted({name for _, found in rounds for name in found["named"]}),
        "named_without_cause": sorted({name for found, _ in rounds for name in found["named"]}),
        "missed_by_the_good": sum(found["missed"] for pair in rounds for found in pair),
        "refused": [sum(pair[side]["refused"] for pair in rounds) for side in (0, 1)],
        "late": [sum(pair[side]["late"] for pair in rounds) for side in (0, 1)],
    }
    for part in PARTS:
        sides = [[LatencyHistogram.decode(pair[i][part]) for pair in rounds] for i in (0, 1)]
        p99s = [[found.percentile_ns(99) for found in side] for side in sides]
        ratios = [b / max(a, 1) for a, b in zip(*p99s, strict=True)]
        report[part] = {
            "without": _together(sides[0]),
            "with": _together(sides[1]),
            "ratio_p99": {
                "min": round(min(ratios), 3),
                "median": round(statistics.median(ratios), 3),
                "max": round(max(ratios), 3),
            },
        }
    return report


def _together(side: list[LatencyHistogram]) -> dict[str, int]:
    """The summary of all rounds."""
    total = LatencyHistogram()
    for found in side:
        total.merge(found)
    return total.summary()


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it."""
    rows, notes = [], []
    for name, found in report["carriers"].items():
        for part in PARTS:
            without, with_bad = found[part]["without"], found[part]["with"]
            ratio = found[part]["ratio_p99"]
            rows.append(
                [
                    f"{CARRIERS[name]}: {part}",
                    *(f"{show_ns(s['p50'])} / {show_ns(s['p99'])}" for s in (without, with_bad)),
                    show_ns(with_bad["max"]),
                    f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})",
                    f"{report['goal']:.2f}" if part == "offers" else "",
                ]
            )
        notes.append(
            f"{CARRIERS[name]}: named {', '.join(found['named']) or 'nobody'}; the good reader "
            f"missed {found['missed_by_the_good']} frames; late bursts {found['late'][0]} without "
            f"and {found['late'][1]} with the bad ones"
        )
        if found["named_without_cause"]:
            notes.append(f"! slow without cause: {', '.join(found['named_without_cause'])}")
    head = ["", "p50 / p99 without", "p50 / p99 with", "max with", "ratio of p99", "goal"]
    return "\n".join([table(rows, head), report["measured"], *notes])
