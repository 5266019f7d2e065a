"""`ironpit bench order-ack`: order to acknowledgement over TCP loopback, beside a bare TCP echo.

From just before the member's write of an Enter Order to just after its read of the Order Accepted,
one order at a time, both sides spinning on a core of their own. The floor is the same loop against
a server that only echoes, on the same cores, in turn with it.
"""

import os
import signal
import socket
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ironcore.bench.order_ack import EchoServer, order_packet, round_trips
from ironpit.bench import plans
from ironpit.bench.spread import spread
from ironpit.common.output import show_ns, table
from ironpit.demo.temporary_venue import TemporaryVenue, one_thread

QUANTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "p99_99": 99.99}
WARM_UP = 2_000
SYMBOL = "BTCUSD"
PRICE = 100

Latencies = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """How often and where."""

    orders: int = plans.number(20_000, "orders in each round", highest=1 << 20)
    rounds: int = plans.rounds(7)
    client_cpu: int = plans.cpu(0, "the member")
    venue_cpu: int = plans.cpu(1, "the venue, and of the bare echo")


def settings(plan: Plan) -> dict[str, Any]:
    """The venue that is measured: all stages on one spinning thread."""
    return {
        "venue": {"name": "BENCH"},
        "limits": {"sessions_max": 1, "user_refs_max": 1 << 20},
        "instruments": [{"symbol": SYMBOL}],
        "sessions": [{"username": "BENCH", "firm": "BNCH"}],
        "journal": {"durability": "off"},
        "placement": one_thread("spin", plan.venue_cpu),
    }


def percentiles(latency_ns: Latencies) -> dict[str, int]:
    """Nearest-rank percentiles and the maximum, in ns."""
    ordered = np.sort(latency_ns)
    found = {
        name: int(ordered[max(0, int(np.ceil(q / 100 * len(ordered))) - 1)])
        for name, q in QUANTILES.items()
    }
    found["max"] = int(ordered[-1])
    return found


def _echo(packet: bytes, plan: Plan) -> dict[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        served, _ = listener.accept()
    with client, served:
        for sock in (client, served):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
        server = EchoServer(served.fileno(), plan.venue_cpu)
        try:
            cpu = plan.client_cpu
            round_trips(client.fileno(), packet, WARM_UP, echo=True, cpu=cpu)
            found = round_trips(client.fileno(), packet, plan.orders, echo=True, cpu=cpu)
        finally:
            server.stop()
    return percentiles(found)


def _login(venue: TemporaryVenue) -> socket.socket:
    """A member's connection, past its login and with every reply so far read."""
    listen = venue.config.order_entry.listen
    sock = socket.create_connection((listen.address, listen.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    login = f"{'BENCH':<6}{venue.password:<10}{'':>10}{1:>20}".encode()
    sock.sendall((len(login) + 1).to_bytes(2, "big") + b"L" + login)
    header = sock.recv(3, socket.MSG_WAITALL)
    if header[2:] != b"A":
        raise ConnectionError(f"login refused: {header!r}")
    sock.recv(int.from_bytes(header[:2], "big") - 1, socket.MSG_WAITALL)
    sock.setblocking(False)
    return sock


def _venue_round(sock: socket.socket, packet: bytes, first: int, plan: Plan) -> dict[str, int]:
    def trips(count: int, first_user_ref: int) -> Latencies:
        return round_trips(
            sock.fileno(),
            packet,
            count,
            echo=False,
            first_user_ref=first_user_ref,
            cpu=plan.client_cpu,
        )

    trips(WARM_UP, first)
    found = trips(plan.orders, first + WARM_UP)
    return percentiles(found)


def run(plan: Plan) -> dict[str, Any]:
    """The report. Echo and venue take turns, `rounds` times."""
    packet = order_packet(SYMBOL, PRICE)
    notes = []
    if (os.cpu_count() or 1) < 2 or plan.client_cpu == plan.venue_cpu:
        notes.append("needs two cores: client and venue share one, so that these are no latencies")
    floors, venues = [], []
    # A spinning venue would take the echo server's core: it exists only while it is measured.
    user_ref = 1
    with TemporaryVenue(settings(plan)) as venue, _login(venue) as sock:
        pid = venue.process.pid if venue.process is not None else 0
        for _ in range(plan.rounds):
            os.kill(pid, signal.SIGSTOP)
            floors.append(_echo(packet, plan))
            os.kill(pid, signal.SIGCONT)
            venues.append(_venue_round(sock, packet, user_ref, plan))
            user_ref += WARM_UP + plan.orders
    return {
        "schema": "ironpit-bench-order-ack-1",
        "measured": "from before the write of an Enter Order to after the read of its Order "
        "Accepted, TCP loopback, one order at a time, both sides spinning",
        "orders": plan.orders,
        "rounds": plan.rounds,
        "cpus": {"client": plan.client_cpu, "venue": plan.venue_cpu},
        "floor_echo_ns": _spread(floors),
        "order_to_ack_ns": _spread(venues),
        "ratio": {
            name: spread([v[name] / f[name] for v, f in zip(venues, floors, strict=True)])
            for name in QUANTILES
        },
        "notes": notes,
    }


def _spread(rounds: list[dict[str, int]]) -> dict[str, dict[str, float]]:
    return {name: spread([float(r[name]) for r in rounds]) for name in rounds[0]}


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds, and the ratio's range."""
    rows = []
    for name in QUANTILES:
        ratio = report["ratio"][name]
        rows.append(
            [
                name.replace("_", "."),
                show_ns(round(report["floor_echo_ns"][name]["median"])),
                show_ns(round(report["order_to_ack_ns"][name]["median"])),
                f"{ratio['median']:.2f}",
                f"{ratio['min']:.2f} to {ratio['max']:.2f}",
            ]
        )
    header = ["", "echo", "order to ack", "ratio", "over the rounds"]
    notes = [report["measured"], *report["notes"]]
    return "\n".join([table(rows, header), *notes])
