"""Goal: a journal killed at any instant loses nothing, repeats nothing, and never lets a follower
see what is not in its files. Method: another process runs the journal stage on a ring that this one
fills, and gets SIGKILL at random moments, many times."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from ironcore.ring import broadcast
from ironcore.stream.journal_reader import JournalReader

KILLS = 12
FRAMES_AT_A_TIME_MAX = 200

STAGE = """
import sys
from ironcore.ring import broadcast
from ironcore.stage import journal
from ironcore.base.counter_set import CounterSet

ring, directory, policy = sys.argv[1:]
stage = journal.JournalStage(
    broadcast.Reader(ring, "journal"), directory, "CRASH",
    CounterSet("journal", journal.COUNTERS), policy=policy, segment_bytes=20_000,
)
print("ready", flush=True)
while True:
    assert stage.poll_once(16) >= 0
"""


@pytest.mark.parametrize("policy", ["off", "before-reply"])
def test_a_killed_journal_goes_on_where_it_was(tmp_path: Path, policy: str) -> None:
    chance = random.Random(1)
    ring, directory = tmp_path / "events.ring", tmp_path / "journal"
    directory.mkdir()
    readers = {"journal": broadcast.Gating(), "follower": broadcast.Gating(after="journal")}
    broadcast.create(ring, 1 << 16, readers)
    producer = broadcast.Producer(ring)
    follower = broadcast.Reader(ring, "follower")
    offered: list[tuple[int, bytes]] = []
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", STAGE, str(ring), str(directory), policy],
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            # However far it has got with them when the signal comes.
            for _ in range(chance.randrange(FRAMES_AT_A_TIME_MAX)):
                payload = chance.randbytes(chance.randrange(1, 300))
                if producer.offer(payload) == 0:
                    offered.append((len(offered) + 1, payload))
            child.kill()
        _, followed = follower.poll(1 << 20)
        report = JournalReader(directory).verify()
        assert report.fault == ""
        assert report.last_sequence >= (followed[-1][0] if followed else 0)
        journaled = list(JournalReader(directory))
        assert journaled == offered[: len(journaled)]
    assert len(offered) > KILLS
    with subprocess.Popen(
        [sys.executable, "-c", STAGE, str(ring), str(directory), policy]
    ) as child:
        while JournalReader(directory).verify().frames < len(offered):
            assert child.poll() is None
        child.kill()
    assert list(JournalReader(directory)) == offered
