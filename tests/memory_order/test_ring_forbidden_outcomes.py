"""Goal: no frame is ever torn, lost, duplicated or reordered between two threads or two processes.

Method: compiled loops on both sides exchange frames whose payload follows from their sequence
number, through rings so small that they wrap and fill all the time; the forbidden outcomes are
counted and must be 0. Then faults are put into either side, and the same counts must not be 0.
"""

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ironcore.base.status import Status
from ironcore.ring import broadcast, selfcheck, spsc
from ironcore.ring.broadcast import Gating, LossyReader
from ironcore.ring.selfcheck import Outcomes

FRAMES = 1_000_000
FRAMES_SLOW = 100_000_000
TIMEOUT_NS = 120 * 10**9
SIZES = [(4096, 0), (4096, 512), (65536, 64), (1 << 20, 1500)]

PRODUCE = """
import sys
from ironcore.ring import broadcast, selfcheck, spsc
kind, path, count, payload_bytes_max = sys.argv[1:]
module = {"spsc": spsc, "broadcast": broadcast}[kind]
produce = {"spsc": selfcheck.produce_spsc, "broadcast": selfcheck.produce_broadcast}[kind]
produce(module.Producer(path), int(count), int(payload_bytes_max))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.ring"


def in_thread(produce: Callable[[], None], consume: Callable[[], Outcomes]) -> Outcomes:
    thread = threading.Thread(target=produce)
    thread.start()
    try:
        return consume()
    finally:
        thread.join()


def in_process(
    kind: str, path: Path, count: int, payload_bytes_max: int, consume: Callable[[], Outcomes]
) -> Outcomes:
    arguments = [kind, str(path), str(count), str(payload_bytes_max)]
    with subprocess.Popen([sys.executable, "-c", PRODUCE, *arguments]) as producer:
        try:
            outcomes = consume()
        finally:
            if producer.poll() is None and sys.exc_info()[0] is not None:
                producer.kill()
        assert producer.wait(60) == 0
    return outcomes


def assert_perfect(outcomes: Outcomes, frames: int) -> None:
    assert outcomes.forbidden == 0, outcomes
    assert outcomes.frames == frames, outcomes
    assert outcomes.sequence_next == frames + 1


@pytest.mark.parametrize(("capacity", "payload"), SIZES)
def test_spsc_between_threads_has_no_forbidden_outcome(
    path: Path, capacity: int, payload: int
) -> None:
    spsc.create(path, capacity)
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    outcomes = in_thread(
        lambda: selfcheck.produce_spsc(producer, FRAMES, payload, timeout_ns=TIMEOUT_NS),
        lambda: selfcheck.consume_spsc(consumer, 1, FRAMES + 1, payload, timeout_ns=TIMEOUT_NS),
    )
    assert_perfect(outcomes, FRAMES)


@pytest.mark.parametrize(("capacity", "payload"), SIZES)
def test_spsc_between_processes_has_no_forbidden_outcome(
    path: Path, capacity: int, payload: int
) -> None:
    spsc.create(path, capacity)
    consumer = spsc.Consumer(path)
    outcomes = in_process(
        "spsc",
        path,
        FRAMES,
        payload,
        lambda: selfcheck.consume_spsc(consumer, 1, FRAMES + 1, payload, timeout_ns=TIMEOUT_NS),
    )
    assert_perfect(outcomes, FRAMES)


def consume_gating(path: Path, name: str, frames: int, payload: int) -> Outcomes:
    reader = broadcast.Reader(path, name)
    status, outcomes = selfcheck.consume_broadcast(
        reader, 1, frames + 1, payload, timeout_ns=TIMEOUT_NS
    )
    assert status == Status.OK
    return outcomes


@pytest.mark.parametrize(("capacity", "payload"), SIZES)
def test_gating_reader_in_a_thread_has_no_forbidden_outcome(
    path: Path, capacity: int, payload: int
) -> None:
    broadcast.create(path, capacity, {"journal": Gating()})
    producer = broadcast.Producer(path)
    outcomes = in_thread(
        lambda: selfcheck.produce_broadcast(producer, FRAMES, payload, timeout_ns=TIMEOUT_NS),
        lambda: consume_gating(path, "journal", FRAMES, payload),
    )
    assert_perfect(outcomes, FRAMES)


def test_gating_reader_in_a_process_has_no_forbidden_outcome(path: Path) -> None:
    broadcast.create(path, 65536, {"journal": Gating()})
    outcomes = in_process(
        "broadcast", path, FRAMES, 64, lambda: consume_gating(path, "journal", FRAMES, 64)
    )
    assert_perfect(outcomes, FRAMES)


def test_followers_and_their_leader_have_no_forbidden_outcome(path: Path) -> None:
    frames = FRAMES // 4
    readers = {"journal": Gating(), "publisher": Gating(after="journal"), "gateway": Gating()}
    broadcast.create(path, 65536, readers)
    producer = broadcast.Producer(path)
    seen: dict[str, Outcomes] = {}

    def consume(name: str) -> None:
        seen[name] = consume_gating(path, name, frames, 64)

    threads = [threading.Thread(target=consume, args=(name,)) for name in readers]
    for thread in threads:
        thread.start()
    selfcheck.produce_broadcast(producer, frames, 64, timeout_ns=TIMEOUT_NS)
    for thread in threads:
        thread.join()
    for name in readers:
        assert_perfect(seen[name], frames)


@pytest.mark.parametrize(("capacity", "payload"), [(4096, 512), (65536, 64), (32768, 4096)])
def test_lossy_reader_knows_every_frame_that_it_lost(
    path: Path, capacity: int, payload: int
) -> None:
    broadcast.create(path, capacity, {})
    producer, lossy = broadcast.Producer(path), LossyReader(path)
    bursts = [random.Random(f"{capacity}").randrange(1, 500) for _ in range(2000)]
    frames = sum(bursts)

    def produce() -> None:
        for burst in bursts:
            selfcheck.produce_broadcast(producer, burst, payload)

    def consume() -> Outcomes:
        status, outcomes = selfcheck.consume_broadcast(
            lossy, 1, frames + 1, payload, timeout_ns=TIMEOUT_NS
        )
        assert status == Status.OK
        return outcomes

    outcomes = in_thread(produce, consume)
    assert outcomes.forbidden == 0, outcomes
    assert outcomes.frames + outcomes.reported_lost == frames
    assert outcomes.reported_lost == lossy.lost_frames


@pytest.mark.parametrize(("capacity", "payload"), [(4096, 64), (4096, 512), (65536, 64)])
def test_reader_that_comes_and_goes_always_finds_whole_frames(
    path: Path, capacity: int, payload: int
) -> None:
    """Joining is a race against the producer that is about to overwrite; nobody may win it."""
    visits = 20_000
    broadcast.create(path, capacity, {"console": Gating()})
    producer, console = broadcast.Producer(path), broadcast.Reader(path, "console")
    done = threading.Event()

    def produce() -> None:
        while not done.is_set():
            selfcheck.produce_broadcast(producer, 20_000, payload, timeout_ns=10**8)

    def consume() -> Outcomes:
        try:
            status, outcomes = selfcheck.visit_broadcast(console, visits, payload, TIMEOUT_NS)
            assert status == Status.OK
            return outcomes
        finally:
            console.leave()
            done.set()

    outcomes = in_thread(produce, consume)
    assert outcomes.forbidden == 0, outcomes
    assert outcomes.frames > visits
    # Each visit began where the one before had ended, or later: no frame was read twice.
    assert outcomes.sequence_next >= outcomes.frames


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_hundred_million_frames_between_processes_have_no_forbidden_outcome(path: Path) -> None:
    spsc.create(path, 1 << 20)
    consumer = spsc.Consumer(path)
    outcomes = in_process(
        "spsc",
        path,
        FRAMES_SLOW,
        64,
        lambda: selfcheck.consume_spsc(consumer, 1, FRAMES_SLOW + 1, 64),
    )
    print(outcomes)
    assert_perfect(outcomes, FRAMES_SLOW)


def until_seen(attempt: Callable[[], int]) -> int:
    """Whether two threads really meet is up to the scheduler: try a few times."""
    return next((count for _ in range(100) if (count := attempt())), 0)


@pytest.mark.parametrize(
    ("side", "fault", "counted"),
    [
        ("producer", "commit-first", "torn"),
        ("consumer", "ignore-stamp", "torn"),
        ("consumer", "skip-frame", "lost"),
        ("consumer", "repeat-frame", "duplicated"),
    ],
)
def test_check_of_spsc_sees_a_fault(path: Path, side: str, fault: str, counted: str) -> None:
    faults = {"producer": "none", "consumer": "none", side: fault}

    def attempt() -> int:
        path.unlink(missing_ok=True)
        spsc.create(path, 65536)
        producer, consumer = spsc.Producer(path), spsc.Consumer(path)
        outcomes = in_thread(
            lambda: selfcheck.produce_spsc(producer, 50_000, 300, faults["producer"], 10**9),
            lambda: selfcheck.consume_spsc(
                consumer, 1, 50_001, 300, faults["consumer"], TIMEOUT_NS
            ),
        )
        return int(getattr(outcomes, counted))

    assert until_seen(attempt) > 0


def test_check_of_broadcast_sees_frames_published_too_early(path: Path) -> None:
    def attempt() -> int:
        path.unlink(missing_ok=True)
        broadcast.create(path, 65536, {"journal": Gating()})
        producer = broadcast.Producer(path)
        return in_thread(
            lambda: selfcheck.produce_broadcast(producer, 50_000, 300, "commit-first"),
            lambda: consume_gating(path, "journal", 50_000, 300),
        ).torn

    assert until_seen(attempt) > 0


def test_check_of_broadcast_sees_a_lossy_reader_that_does_not_look_back(path: Path) -> None:
    def attempt() -> int:
        path.unlink(missing_ok=True)
        broadcast.create(path, 32768, {})
        producer, lossy = broadcast.Producer(path), LossyReader(path)
        return in_thread(
            lambda: selfcheck.produce_broadcast(producer, 100_000, 4096),
            lambda: selfcheck.consume_broadcast(
                lossy, 1, 99_000, 4096, "ignore-overrun", TIMEOUT_NS
            )[1],
        ).torn

    assert until_seen(attempt) > 0
