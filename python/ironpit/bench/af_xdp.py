"""`ironpit bench af-xdp`: multicast by AF_XDP beside the kernel's path, over veth in one run.

Two namespaces are joined by two veth pairs, one for each direction, of one queue each. A stream
goes there by one and back by the other, sent and received by the kernel's UDP sockets or by AF_XDP.
In every round each combination has its turn: round trips between two spinning threads, messages one
way, and the CPU time of packets: sent one by one, and taken when all are there. veth has no card
and no interrupts: the sender's system call does the receiving kernel's work too.
"""

import ctypes
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ironcore.bench.packets import look, send_packets, take_packets
from ironcore.bench.transport import TransportConversation
from ironpit.bench import plans
from ironpit.bench.spread import spread
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_ns, table
from ironpit.config import Endpoint
from ironpit.transport.af_xdp import Wish
from ironpit.transport.multicast import Group, MulticastError, Opened, publish, subscribe

SESSION = "BENCH"
CLONE_NEWNET = 0x40000000
TIMEOUT_S = 30
BLOCKS = 20
WINDOW = 256  # messages one way that are on their way: datagrams have no back-pressure
BATCH = 512  # packets that are sent, then taken
SETTLE_S = 0.002
LOOKS = 20_000
BUSY_POLL_NS = 20_000
WAYS = {
    "kernel": Wish(),
    "send": Wish(send="af_xdp", refuse=True),
    "receive": Wish(receive="af_xdp", refuse=True),
    "both": Wish(send="af_xdp", receive="af_xdp", refuse=True),
    "both-polled": Wish(send="af_xdp", receive="af_xdp", busy_poll_ns=BUSY_POLL_NS, refuse=True),
}
WORDS = {
    "kernel": "kernel UDP on both ends",
    "send": "sent by AF_XDP",
    "receive": "received by AF_XDP",
    "both": "AF_XDP on both ends",
    "both-polled": "the same, busy polling",
}
QUANTILES = {"p50": 50.0, "p99": 99.0, "p99_9": 99.9}
Figures = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How much, how often and where."""

    round_trips: int = plans.number(10_000, "messages there and back in each round", lowest=BLOCKS)
    messages: int = plans.number(100_000, "messages one way in each round", lowest=BLOCKS)
    packets: int = plans.number(20_480, "packets in each round whose CPU time is measured")
    rounds: int = plans.rounds(5)
    near_cpu: int = plans.cpu(0, "the end that asks")
    far_cpu: int = plans.cpu(1, "the end that answers")


@dataclass(frozen=True)
class Wires:
    """The namespaces, and for each direction the addresses of the sending and receiving end."""

    near: str
    far: str
    there: tuple[str, str] = ("10.79.1.1", "10.79.1.2")
    back: tuple[str, str] = ("10.79.2.1", "10.79.2.2")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=TIMEOUT_S, text=True)


@contextmanager
def wires() -> Iterator[Wires]:
    """Two namespaces and two cables, gone at the end. UserError: not to be had here."""
    name = f"ironpit-{secrets.token_hex(3)}"
    made = Wires(f"{name}-n", f"{name}-f")
    ends = ((made.near, made.there[0], made.back[1]), (made.far, made.there[1], made.back[0]))
    try:
        for namespace in (made.near, made.far):
            _ip("netns", "add", namespace)
        one = ["numtxqueues", "1", "numrxqueues", "1"]
        for cable in ("there", "back"):
            far = ["peer", "name", cable, "netns", made.far, *one]
            _ip("link", "add", cable, "netns", made.near, *one, "type", "veth", *far)
        for namespace, *addresses in ends:
            for cable, address in zip(("there", "back"), addresses, strict=True):
                # Without an IPv6 address of its own the host says nothing by itself.
                _ip("-n", namespace, "link", "set", cable, "addrgenmode", "none")
                _ip("-n", namespace, "address", "add", f"{address}/24", "dev", cable)
                _ip("-n", namespace, "link", "set", cable, "up")
        yield made
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise UserError(
            f"needs root and ip for namespaces: {said.strip()}", Exit.REFUSED
        ) from error
    finally:
        for namespace in (made.near, made.far):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """What this thread opens is of the namespace; sockets stay where they were made."""
    libc = ctypes.CDLL(None, use_errno=True)
    with ExitStack() as stack:
        descriptors = []
        for path in ("/proc/thread-self/ns/net", f"/run/netns/{namespace}"):
            descriptors.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            stack.callback(os.close, descriptors[-1])
        home, there = descriptors
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise UserError(f"setns: {os.strerror(ctypes.get_errno())}", Exit.REFUSED)
        try:
            yield
        finally:
            libc.setns(home, CLONE_NEWNET)


def _stream(
    stack: ExitStack, way: str, port: int, ends: tuple[str, str], hosts: tuple[str, str]
) -> tuple[Opened[Any], Opened[Any]]:
    """A publication at the first address and a subscription at the other."""
    group, wish = Endpoint("239.79.1.1", port), WAYS[way]
    with inside(hosts[1]):
        receiving = subscribe(Group(group, ends[1], replace(wish, send="kernel")), session=SESSION)
        stack.callback(receiving.close)
    with inside(hosts[0]):
        sending = publish(
            SESSION, Group(group, ends[0], replace(wish, receive="kernel")), ttl=1, loop=False
        )
        stack.callback(sending.close)
    return sending, receiving


def _talk(way: str, made: Wires, plan: Plan, course: str) -> tuple[TransportConversation, Any]:
    stack = ExitStack()
    there = _stream(stack, way, 26400, made.there, (made.near, made.far))
    back = _stream(stack, way, 26401, made.back, (made.far, made.near))
    near, far = (there[0].end, back[1].end), (back[0].end, there[1].end)
    cpus = (plan.near_cpu, plan.far_cpu)
    return TransportConversation(near, far, cpus, window=WINDOW), stack


def _cpu_time(way: str, made: Wires, plan: Plan) -> Figures:
    """ns of a packet for the sending and the receiving thread, and of a look at nothing."""
    sent_ns = taken_ns = sent = taken = 0
    with ExitStack() as stack:
        ends = _stream(stack, way, 26400, made.there, (made.near, made.far))
        publication, subscription = ends[0].end, ends[1].end
        while sent < plan.packets:
            sent_ns += send_packets(publication, BATCH)
            sent += BATCH
            time.sleep(SETTLE_S)  # a softirq may be at it still
            came, cost_ns = take_packets(subscription, BATCH)
            taken, taken_ns = taken + came, taken_ns + cost_ns
        looked_ns = look(subscription, LOOKS)
    return {
        "send_cpu_ns": sent_ns / sent,
        "receive_cpu_ns": taken_ns / max(taken, 1),
        "packet_cpu_ns": sent_ns / sent + taken_ns / max(taken, 1),
        "look_cpu_ns": looked_ns / LOOKS,
        "packets_lost": sent - taken,
    }


def _measure(way: str, made: Wires, plan: Plan) -> Figures:
    talk, stack = _talk(way, made, plan, "round trips")
    with stack:
        _, trips = talk.round_trips(BLOCKS, plan.round_trips // BLOCKS, plan.round_trips)
    ordered = np.sort(trips)
    found = {
        name: float(ordered[max(0, int(np.ceil(q / 100 * len(ordered))) - 1)])
        for name, q in QUANTILES.items()
    }
    talk, stack = _talk(way, made, plan, "one way")
    with stack:
        way_ns = talk.one_way(BLOCKS, plan.messages // BLOCKS)
    found["messages_per_s"] = (plan.messages // BLOCKS) * 1e9 / float(np.median(way_ns))
    return found | _cpu_time(way, made, plan)


def _truth(made: Wires) -> list[str]:
    """How AF_XDP really goes here, in words."""
    with ExitStack() as stack:
        ends = _stream(stack, "both", 26400, made.there, (made.near, made.far))
        return [str(truth) for end in ends for truth in end.truths]


def run(plan: Plan) -> dict[str, Any]:
    """The report. Every way takes its turn in every round."""
    with wires() as made:
        try:
            truth = _truth(made)
            rounds = [{way: _measure(way, made, plan) for way in WAYS} for _ in range(plan.rounds)]
        except MulticastError as error:
            raise UserError(str(error), Exit.REFUSED) from error
    ways: dict[str, Any] = {}
    for way in WAYS:
        ways[way] = {key: spread([r[way][key] for r in rounds]) for key in rounds[0][way]}
        for key in ("p50", "packet_cpu_ns"):
            ratios = [r[way][key] / r["kernel"][key] for r in rounds]
            ways[way][f"ratio_{key}"] = spread(ratios)
    notes = []
    if plan.near_cpu == plan.far_cpu:
        notes.append("needs two cores: both ends share one, so that these are no latencies")
    return {
        "schema": "ironpit-bench-af-xdp-1",
        "measured": "64-byte messages over veth between two namespaces. Round trips: two spinning "
        "ends on a core each, one look at the clock each. CPU: of the sending and the receiving "
        "thread for a packet with one message, and for a look that finds nothing. Ratios are to "
        "the kernel's path in the same round",
        "round_trips": plan.round_trips,
        "messages": plan.messages,
        "packets": plan.packets,
        "rounds": plan.rounds,
        "cpus": {"near": plan.near_cpu, "far": plan.far_cpu},
        "truth": truth,
        "ways": ways,
        "notes": notes,
    }


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds, and the range of the ratios."""
    rows = []
    for way, found in report["ways"].items():
        row = [WORDS[way], *(show_ns(round(found[key]["median"])) for key in QUANTILES)]
        row += [_ratio(found["ratio_p50"]), f"{found['messages_per_s']['median']:,.0f}"]
        row += [
            f"{found[key]['median']:,.0f}"
            for key in ("send_cpu_ns", "receive_cpu_ns", "packet_cpu_ns")
        ]
        row += [_ratio(found["ratio_packet_cpu_ns"]), f"{found['look_cpu_ns']['median']:,.0f}"]
        rows.append(row)
    header = ["64 bytes", "p50", "p99", "p99.9", "to kernel", "messages/s"]
    header += ["send", "receive", "ns a packet", "to kernel", "a look"]
    return "\n".join([table(rows, header), report["measured"], *report["truth"], *report["notes"]])


def _ratio(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"
