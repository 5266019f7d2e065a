"""Goal: producers and consumers killed at random instants lose, repeat and tear nothing.

Method: each end of a ring runs in a process of its own and judges frames whose payload follows
from their sequence number; one end after the other is killed with SIGKILL when a random number of
frames has passed, some of them while they start, and started anew. A consumer notes what it has
judged before it releases it, so the next one can say whether anything was skipped. The seed is in
the test's id.
"""

import contextlib
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironcore.ring import broadcast, selfcheck, spsc
from ironcore.ring.broadcast import Gating

WORKER = Path(__file__).with_name("ring_worker.py")
PAYLOAD_BYTES_MAX = 400
CAPACITY = 16384
KILLS = 40
PRODUCER_KILLS_SLOW = 1000
READER_KILLS_SLOW = 300
FRAMES_A_KILL_MAX = 3000
PATIENCE_S = 60

Choice = Callable[[list[str], random.Random], list[str]]


class Ends:
    """The living ends of one ring."""

    def __init__(self, directory: Path, roles: list[str], fault: str) -> None:
        self.fault = fault
        self.path = directory / "x.ring"
        self.roles = roles
        self.alive: dict[str, subprocess.Popen[str]] = {}
        for role in roles:
            self.progress(role).write_bytes(bytes(8))
            self.start(role)

    def progress(self, role: str) -> Path:
        return self.path.with_name(f"{role}.progress")

    def judged(self, role: str) -> int:
        return int(struct.unpack("<Q", self.progress(role).read_bytes())[0])

    def start(self, role: str) -> None:
        command = [sys.executable, "-S", str(WORKER), role, str(self.path)]
        self.alive[role] = subprocess.Popen(
            [*command, str(self.progress(role)), self.fault], stdout=subprocess.PIPE, text=True
        )

    def kill(self, role: str) -> None:
        victim = self.alive.pop(role)
        assert victim.poll() is None, f"{role} died by itself: {victim.communicate()[0]}"
        victim.send_signal(signal.SIGKILL)
        said, _ = victim.communicate()
        assert victim.returncode == -signal.SIGKILL
        assert "broken" not in said, said

    def wait_for_frames(self, frames: int) -> None:
        """Until every reader has judged so many frames more than now."""
        goals = {role: self.judged(role) + frames for role in self.roles[1:]}
        give_up = time.monotonic() + PATIENCE_S
        while any(self.judged(role) < goal for role, goal in goals.items()):
            assert time.monotonic() < give_up, f"no progress; processes {self.alive}"
            time.sleep(0.0002)

    def kill_all(self) -> None:
        for role in list(self.alive):
            self.kill(role)


@contextlib.contextmanager
def living(directory: Path, roles: list[str], fault: str = "none") -> Iterator[Ends]:
    ends = Ends(directory, roles, fault)
    try:
        yield ends
        ends.kill_all()
    finally:
        for process in ends.alive.values():
            process.kill()
            process.communicate()


def harass(ends: Ends, victims: list[str], chance: random.Random) -> None:
    for victim in victims:
        if chance.random() < 0.8:
            ends.wait_for_frames(chance.randrange(1, FRAMES_A_KILL_MAX))
        else:
            time.sleep(chance.random() * 0.05)
        ends.kill(victim)
        ends.start(victim)
    ends.wait_for_frames(1)


def chosen(roles: list[str], chance: random.Random) -> list[str]:
    return [chance.choice(roles) for _ in range(KILLS)]


def chosen_slow(roles: list[str], chance: random.Random) -> list[str]:
    """Many producers, and fewer readers between them."""
    victims = [roles[0]] * PRODUCER_KILLS_SLOW
    victims += [role for role in roles[1:] for _ in range(READER_KILLS_SLOW)]
    chance.shuffle(victims)
    return victims


def check_spsc(ends: Ends, kills: int) -> None:
    judged = ends.judged("spsc-consumer")
    end = spsc.Producer(ends.path).sequence_next
    outcomes = selfcheck.consume_spsc(
        spsc.Consumer(ends.path), 0, end, PAYLOAD_BYTES_MAX, timeout_ns=10**9
    )
    assert outcomes.forbidden == 0, outcomes
    if outcomes.frames:
        assert outcomes.sequence_first <= judged + 1
        assert outcomes.sequence_next == end
    else:
        assert judged == end - 1
    print(f"{kills} kills, {end - 1:,} frames, none torn, lost, duplicated or reordered")


def check_broadcast(ends: Ends, kills: int) -> None:
    end = broadcast.Producer(ends.path).tail_sequence()
    assert [sequence for sequence, _ in broadcast.read_frames(ends.path)][-1] == end - 1
    for role in ends.roles[1:]:
        judged = ends.judged(role)
        reader = broadcast.Reader(ends.path, role.removeprefix("broadcast-"))
        assert reader.first_sequence <= judged + 1
        _, outcomes = selfcheck.consume_broadcast(
            reader, reader.first_sequence, end, PAYLOAD_BYTES_MAX, timeout_ns=10**9
        )
        assert outcomes.forbidden == 0, outcomes
        assert outcomes.sequence_next == end
    print(f"{kills} kills, {end - 1:,} frames, none torn, lost, duplicated or reordered")


def run_spsc(directory: Path, seed: int, choose: Choice, fault: str = "none") -> None:
    roles = ["spsc-producer", "spsc-consumer"]
    chance = random.Random(seed)
    victims = choose(roles, chance)
    spsc.create(directory / "x.ring", CAPACITY)
    with living(directory, roles, fault) as ends:
        harass(ends, victims, chance)
    check_spsc(ends, len(victims))


def run_broadcast(directory: Path, seed: int, choose: Choice) -> None:
    readers = {"journal": Gating(), "publisher": Gating(after="journal")}
    roles = ["broadcast-producer", *(f"broadcast-{name}" for name in readers)]
    chance = random.Random(seed)
    victims = choose(roles, chance)
    broadcast.create(directory / "x.ring", CAPACITY, readers)
    with living(directory, roles) as ends:
        harass(ends, victims, chance)
    check_broadcast(ends, len(victims))


@pytest.mark.parametrize("seed", [1, 2])
def test_spsc_survives_kills_of_either_end(tmp_path: Path, seed: int) -> None:
    run_spsc(tmp_path, seed, chosen)


@pytest.mark.parametrize("seed", [3, 4])
def test_broadcast_survives_kills_of_any_end(tmp_path: Path, seed: int) -> None:
    run_broadcast(tmp_path, seed, chosen)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_spsc_survives_a_thousand_killed_producers(tmp_path: Path) -> None:
    run_spsc(tmp_path, 5, chosen_slow)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_broadcast_survives_a_thousand_killed_producers(tmp_path: Path) -> None:
    run_broadcast(tmp_path, 6, chosen_slow)


def test_consumer_that_skips_frames_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="broken: spsc-consumer Outcomes"):
        run_spsc(tmp_path, 7, chosen, fault="skip-frame")
