"""`ironpit bench fan-out`: what a frame costs its publisher with 1, 8, 32 subscribers.

A publisher process offers 64-byte frames in bursts at a steady pace and sleeps in between; its CPU
time is divided by the frames. Subscribers are threads of other processes that count frames. As root
they are in a network namespace of their own behind a veth pair, whose receiving side is steered to
other cores: what the kernel does for receivers is then not done in the publisher's time, as with a
network card and a switch. Without that, on loopback, the sender pays for every receiver.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ironpit.bench import plans
from ironpit.bench.spread import spread
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import table

TRANSPORTS = ("multicast", "tcp")
ENDS = [sys.executable, "-m", "ironpit.bench.fan_out_ends"]
PUBLISHER, SUBSCRIBERS = "10.78.0.1", "10.78.0.2"
LOOPBACK = "127.0.0.1"
TIMEOUT_S = 120


@dataclass(frozen=True)
class Plan:
    """How much and how often. subscribers: counts, the first one is what the others are held to."""

    messages: int = plans.number(200_000, "frames in each run")
    rounds: int = plans.rounds(5)
    burst: int = plans.number(64, "frames that are offered at once")
    interval_us: int = plans.number(1_000, "microseconds from one burst to the next")
    subscribers: str = plans.word(
        "1,8,32", "numbers of subscribers, with one run for each", "COUNTS"
    )


@dataclass(frozen=True)
class Hosts:
    """How a command gets to either side, and the publisher's address."""

    publisher: list[str]
    subscribers: list[str]
    address: str
    interface: str
    note: str = ""


@contextmanager
def hosts() -> Iterator[Hosts]:
    """Two namespaces joined by a veth pair where that is allowed, else the loopback interface."""
    name = f"ironpit-{secrets.token_hex(3)}"
    near, far = f"{name}-p", f"{name}-s"
    try:
        _join(near, far)
    except (OSError, subprocess.CalledProcessError):
        _remove(near, far)
        note = "on loopback: the kernel delivers to every receiver in the publisher's time"
        yield Hosts([], [], LOOPBACK, LOOPBACK, note)
        return
    try:
        inside = ["ip", "netns", "exec"]
        yield Hosts([*inside, near], [*inside, far], PUBLISHER, SUBSCRIBERS)
    finally:
        _remove(near, far)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)


def _join(near: str, far: str) -> None:
    _run("ip", "netns", "add", near)
    _run("ip", "netns", "add", far)
    there = ["type", "veth", "peer", "name", "eth0", "netns", far]
    _run("ip", "link", "add", "eth0", "netns", near, *there)
    for namespace, address in ((near, PUBLISHER), (far, SUBSCRIBERS)):
        _run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
        _run("ip", "-n", namespace, "link", "set", "eth0", "up")
        _run("ip", "-n", namespace, "route", "add", "224.0.0.0/4", "dev", "eth0")
        # Received on the last core, whoever sent it.
        mask = 1 << ((os.cpu_count() or 1) - 1)
        steer = f"echo {mask:x} > /sys/class/net/eth0/queues/rx-0/rps_cpus"
        _run("ip", "netns", "exec", namespace, "sh", "-c", steer)


def _remove(*namespaces: str) -> None:
    for namespace in namespaces:
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


def measure(transport: str, count: int, plan: Plan, where: Hosts) -> dict[str, Any]:
    """One run: the publisher's cost, and what the subscribers got."""
    settings = {
        "transport": transport,
        "subscribers": count,
        "messages": plan.messages,
        "burst": plan.burst,
        "interval_ns": plan.interval_us * 1_000,
        "address": where.address,
    }
    with ExitStack() as stack:

        def start(verb: str, prefix: list[str], interface: str) -> subprocess.Popen[str]:
            text = json.dumps({**settings, "interface": interface})
            process = subprocess.Popen(
                [*prefix, *ENDS, verb, text],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        publisher = start("publish", where.publisher, where.address)
        _hear(publisher, "open")
        readers = start("subscribe", where.subscribers, where.interface)
        _hear(readers, "ready")
        _hear(publisher, "ready")
        said, _ = publisher.communicate("go\n", timeout=TIMEOUT_S)
        got, _ = readers.communicate(timeout=TIMEOUT_S)
    found: dict[str, Any] = json.loads(said)
    found["frames_got"] = json.loads(got)["frames"]
    return found


def _hear(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    found = process.stdout.readline().strip()
    if found != word:
        raise RuntimeError(f"an end of the measurement said {found!r}, expected {word!r}")


def _counts(words: str) -> list[int]:
    found = [int(word) for word in words.split(",") if word.strip().isdecimal()]
    if len(found) != len(words.split(",")) or min(found) < 1:
        raise UserError(
            f"--subscribers: found {words!r}, expected numbers above zero and commas", Exit.USAGE
        )
    return found


def run(plan: Plan) -> dict[str, Any]:
    """The report. Counts and transports take turns, `rounds` times."""
    counts = _counts(plan.subscribers)
    costs: dict[str, dict[int, list[float]]] = {t: {n: [] for n in counts} for t in TRANSPORTS}
    missing = 0
    with hosts() as where:
        for _ in range(plan.rounds):
            for transport in TRANSPORTS:
                for count in counts:
                    found = measure(transport, count, plan, where)
                    costs[transport][count].append(found["cpu_ns"] / plan.messages)
                    missing += count * plan.messages - found["frames_got"]
    notes = [where.note] if where.note else []
    if missing:
        notes.append(f"{missing} frames did not arrive in time")
    report: dict[str, Any] = {
        "schema": "ironpit-bench-fan-out-1",
        "measured": f"CPU time of the publisher a 64-byte frame, bursts of {plan.burst} every "
        f"{plan.interval_us} us, {plan.messages} frames, {plan.rounds} rounds in turn",
        "subscribers": counts,
        "notes": notes,
    }
    for transport, by_count in costs.items():
        first = by_count[counts[0]]
        report[transport] = {
            str(count): {
                "cpu_ns": spread(by_count[count]),
                "ratio": spread([a / b for a, b in zip(by_count[count], first, strict=True)]),
            }
            for count in counts
        }
    return report


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it."""
    counts = report["subscribers"]
    rows = []
    for transport in TRANSPORTS:
        least = report[transport][str(counts[0])]["cpu_ns"]["median"]
        for count in counts:
            found = report[transport][str(count)]
            cpu, ratio = found["cpu_ns"], found["ratio"]
            more = (cpu["median"] - least) / (count - counts[0]) if count > counts[0] else 0.0
            rows.append(
                [
                    transport,
                    str(count),
                    f"{cpu['median']:.0f} ({cpu['min']:.0f} to {cpu['max']:.0f})",
                    f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})",
                    f"{more:.1f}" if more else "",
                ]
            )
    head = ["transport", "subscribers", "CPU ns a frame", "ratio", "ns a further subscriber"]
    return "\n".join([table(rows, head), report["measured"], *report["notes"]])
