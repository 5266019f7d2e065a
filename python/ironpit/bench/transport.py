"""`ironpit bench transport`: every transport beside bare C, round trips and throughput in one run.

A round trip is a 64-byte message from one end to the other and its equal back, both ends spinning
on a core of their own: from before the offer to after the handler has the answer. Throughput is one
way. A transport and its floor, the same conversation in plain C over a framed ring or bare
sockets, are measured in turn in every round, and compared within the round.
"""

import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ironcore.bench.floor import Floor
from ironcore.bench.transport import TransportConversation
from ironcore.messaging import shm
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.bench import plans, python_ends
from ironpit.bench.ring import DIRECTORY
from ironpit.bench.spread import spread
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_ns, table
from ironpit.config import Endpoint
from ironpit.transport.multicast import Group, publish, subscribe

BLOCKS = 20
TCP_WINDOW = 4096  # less than a slow reader's queue: whoever lags by that is disconnected
SESSION = "BENCH"
PATIENCE_S = 10.0
MULTICAST_WINDOW = 256  # as the floor's in iron_floor.h: datagrams have no back-pressure
QUANTILES = {"p50": 50.0, "p99": 99.0, "p99_9": 99.9}
RING_BYTES = {"round trips": 1 << 16, "one way": 1 << 18}
Cpus = tuple[int, int]
Figures = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """What to measure, how often and where."""

    transports: tuple[str, ...] = plans.names("transports to measure (default: all)", "NAME")
    all: bool = plans.switch("measure every transport, even if some are named")
    round_trips: int = plans.number(10_000, "messages there and back in each round")
    messages: int = plans.number(100_000, "messages one way in each round")
    rounds: int = plans.rounds(5)
    near_cpu: int = plans.cpu(0, "the end that asks")
    far_cpu: int = plans.cpu(1, "the end that answers")


class Carrier(NamedTuple):
    """Something that carries messages: how it is called, its floor, and how it is measured."""

    words: str
    floor: str | None
    goal: float | None  # how many times the floor's round trip it may take
    measure: Callable[[Plan], Figures]
    absent: Callable[[], str] = lambda: ""  # why it cannot be measured here


def _figures(
    block_ns: NDArray[np.uint64],
    block_messages: int,
    trip_ns: NDArray[np.uint64],
    way_ns: NDArray[np.uint64],
    way_messages: int,
) -> Figures:
    """Nearest-rank percentiles of the trips; ns a message of the median block."""
    ordered = np.sort(trip_ns)
    found = {
        name: float(ordered[max(0, int(np.ceil(q / 100 * len(ordered))) - 1)])
        for name, q in QUANTILES.items()
    }
    found["mean_of_median_block"] = float(np.median(block_ns)) / block_messages
    found["messages_per_s"] = way_messages * 1e9 / float(np.median(way_ns))
    return found


class Conversation(NamedTuple):
    """How two ends are made, once for round trips and once for one way."""

    join: Callable[[str], Any]

    def measure(self, plan: Plan) -> Figures:
        trips_a_block = max(1, plan.round_trips // BLOCKS)
        messages_a_block = max(1, plan.messages // BLOCKS)
        block_ns, trip_ns = self.join("round trips").round_trips(
            BLOCKS, trips_a_block, plan.round_trips
        )
        way_ns = self.join("one way").one_way(BLOCKS, messages_a_block)
        return _figures(block_ns, trips_a_block, trip_ns, way_ns, messages_a_block)


class _Kept(NamedTuple):
    """A conversation, and what has to live and then be closed with it."""

    talk: TransportConversation
    owned: list[Any]

    def round_trips(self, *course: int) -> Any:
        return self._closed_after(self.talk.round_trips(*course))

    def one_way(self, *course: int) -> Any:
        return self._closed_after(self.talk.one_way(*course))

    def _closed_after(self, found: Any) -> Any:
        for owned in self.owned:
            owned.close()
        return found


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _free_endpoint() -> Endpoint:
    return Endpoint("127.0.0.1", _free_port())


def _cpus(plan: Plan) -> Cpus:
    return plan.near_cpu, plan.far_cpu


def _floor(name: str) -> Callable[[Plan], Figures]:
    def measure(plan: Plan) -> Figures:
        return Conversation(lambda way: Floor(name, _cpus(plan), RING_BYTES[way])).measure(plan)

    return measure


def _shm(plan: Plan) -> Figures:
    def join(way: str) -> TransportConversation:
        with tempfile.TemporaryDirectory(dir=DIRECTORY) as scratch:
            paths = [f"{scratch}/{name}.ring" for name in ("there", "back")]
            for path in paths:
                shm.create(path, RING_BYTES[way], {"far": shm.Gating()})
            there, back = paths
            near = shm.ShmPublication(there), shm.ShmSubscription(back, "far")
            far = shm.ShmPublication(back), shm.ShmSubscription(there, "far")
            return TransportConversation(near, far, _cpus(plan), timed=False)

    return Conversation(join).measure(plan)


def _python(name: str) -> Callable[[Plan], Figures]:
    """Between two processes, for two threads would share one interpreter."""

    def measure(plan: Plan) -> Figures:
        trips_a_block = max(1, plan.round_trips // BLOCKS)
        messages_a_block = max(1, plan.messages // BLOCKS)
        found = []
        for messages, trips in ((trips_a_block, plan.round_trips), (messages_a_block, 0)):
            with tempfile.TemporaryDirectory(dir=DIRECTORY) as scratch:
                found.append(
                    python_ends.converse(name, Path(scratch), _cpus(plan), BLOCKS, messages, trips)
                )
        there, way = found
        return _figures(there.block_ns, trips_a_block, there.trip_ns, way.way_ns, messages_a_block)

    return measure


def _iceoryx2_absent() -> str:
    return "" if find_spec("iceoryx2") else "not installed (pip install 'ironpit[bench]')"


def _multicast(plan: Plan) -> Figures:
    """One feed each way on the loopback interface, with re-requests, as a subscriber would have."""

    def join(way: str) -> _Kept:
        feeds = [
            (Group(Endpoint(f"239.192.127.{n}", _free_port()), "127.0.0.1"), _free_endpoint())
            for n in (1, 2)
        ]
        (there, ask_there), (back, ask_back) = feeds
        near = publish(SESSION, there, rerequest=ask_there), subscribe(back, rerequest=ask_back)
        far = publish(SESSION, back, rerequest=ask_back), subscribe(there, rerequest=ask_there)
        near_ends, far_ends = (near[0].end, near[1].end), (far[0].end, far[1].end)
        talk = TransportConversation(near_ends, far_ends, _cpus(plan), window=MULTICAST_WINDOW)
        return _Kept(talk, [*near, *far])

    return Conversation(join).measure(plan)


def _tcp(plan: Plan) -> Figures:
    """One connection for each direction's stream, logged in before anything is timed."""

    def join(way: str) -> _Kept:
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        for listener in listeners:
            listener.setblocking(False)
        there, back = [TcpPublication(listener.fileno(), SESSION) for listener in listeners]
        from_there, from_back = [
            TcpSubscription("127.0.0.1", listener.getsockname()[1], "BENCH")
            for listener in listeners
        ]
        deadline_s = time.monotonic() + PATIENCE_S
        while not (from_there.live and from_back.live):
            if time.monotonic() > deadline_s:
                raise UserError("tcp: the two ends do not come together", Exit.FAILED)
            for publication, subscription in ((there, from_there), (back, from_back)):
                publication.turn()
                subscription.poll(lambda sequence, frame: None)
        talk = TransportConversation(
            (there, from_back), (back, from_there), _cpus(plan), window=TCP_WINDOW
        )
        return _Kept(talk, listeners)

    return Conversation(join).measure(plan)


CARRIERS = {
    "c-ring": Carrier("framed ring in C", None, None, _floor("ring")),
    "shm": Carrier("shm", "c-ring", 1.2, _shm),
    "shm-python": Carrier("shm from Python", "c-ring", 3.0, _python("shm")),
    "iceoryx2": Carrier(
        "iceoryx2 from Python", "c-ring", None, _python("iceoryx2"), _iceoryx2_absent
    ),
    "c-multicast": Carrier("bare UDP multicast in C", None, None, _floor("multicast")),
    "multicast": Carrier("multicast", "c-multicast", 1.15, _multicast),
    "c-tcp": Carrier("bare TCP in C", None, None, _floor("tcp")),
    "tcp": Carrier("tcp", "c-tcp", 1.15, _tcp),
}
TRANSPORTS = [name for name, carrier in CARRIERS.items() if carrier.floor is not None]


def _wanted(plan: Plan) -> list[str]:
    """The transports asked for, or all, with their floors, in the order of CARRIERS."""
    for name in plan.transports:
        if name not in TRANSPORTS:
            expected = ", ".join(TRANSPORTS)
            raise UserError(f"transport: found {name!r}, expected one of {expected}", Exit.USAGE)
    names = set(TRANSPORTS if plan.all or not plan.transports else plan.transports)
    names |= {CARRIERS[name].floor or name for name in names}
    return [name for name in CARRIERS if name in names]


def run(plan: Plan) -> dict[str, Any]:
    """The report. Transports and floors take turns, `rounds` times."""
    wanted = _wanted(plan)
    absent = {name: why for name in wanted if (why := CARRIERS[name].absent())}
    wanted = [name for name in wanted if name not in absent]
    try:
        rounds = [
            {name: CARRIERS[name].measure(plan) for name in wanted} for _ in range(plan.rounds)
        ]
    except OSError as error:
        raise UserError(str(error), Exit.FAILED) from error
    carriers: dict[str, Any] = {}
    for name in wanted:
        own = [r[name] for r in rounds]
        carriers[name] = {key: spread([figures[key] for figures in own]) for key in own[0]}
        floor = CARRIERS[name].floor
        if floor is not None:
            carriers[name]["floor"] = floor
            carriers[name]["goal"] = CARRIERS[name].goal
            for key in ("p50", "mean_of_median_block"):
                ratios = [r[name][key] / r[floor][key] for r in rounds]
                carriers[name][f"ratio_{key}"] = spread(ratios)
    notes = [f"{CARRIERS[name].words}: {why}" for name, why in absent.items()]
    if plan.near_cpu == plan.far_cpu:
        notes.append("needs two cores: both ends share one, so that these are no latencies")
    return {
        "schema": "ironpit-bench-transport-1",
        "measured": "64-byte messages between two spinning ends on a core each: round trips from "
        "before the offer to after the handler has the answer, one look at the clock each; "
        "messages a second one way. The ratio is that of p50 to the floor's in the same round. "
        "From Python: two processes; otherwise two threads without the interpreter",
        "round_trips": plan.round_trips,
        "messages": plan.messages,
        "rounds": plan.rounds,
        "cpus": {"near": plan.near_cpu, "far": plan.far_cpu},
        "carriers": carriers,
        "absent": absent,
        "notes": notes,
    }


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds, and the range of the ratio."""
    rows = []
    for name, found in report["carriers"].items():
        row = [CARRIERS[name].words]
        row += [show_ns(round(found[key]["median"])) for key in QUANTILES]
        row.append(f"{found['messages_per_s']['median']:,.0f}")
        if "floor" in found:
            ratio, goal = found["ratio_p50"], found["goal"]
            row += [f"{ratio['median']:.2f}", f"{ratio['min']:.2f} to {ratio['max']:.2f}"]
            row.append(f"{goal:.2f}" if goal else "")
        rows.append(row + [""] * (8 - len(row)))
    header = ["64 bytes", "p50", "p99", "p99.9", "messages/s", "to floor", "rounds", "goal"]
    return "\n".join([table(rows, header), report["measured"], *report["notes"]])
