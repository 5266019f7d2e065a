"""SIGKILL to each process of a running venue, at random points of the load: nothing acknowledged is
lost, members resume without gap or duplicate, and the journal replays to what it was.

Method: members that send without end and stand every crash; kills after a random number of replies;
at the end the journal is replayed and compared with all that members were told.
"""

import json
import random
import struct
from pathlib import Path

import pytest
from tests.split_venue import (
    PROCESSES,
    RunningVenue,
    StubbornMember,
    all_replies,
    write_split_config,
)

from ironcore.runtime.replay import Replay
from ironcore.stream.journal_reader import JournalReader

COMMAND_ENTER_ORDER = 16


def accepted_orders(journal: Path) -> set[tuple[int, int]]:
    """(session, UserRefNum) of every order in the journal."""
    found = set()
    for _, frame in JournalReader(journal):
        if frame[0] == COMMAND_ENTER_ORDER:
            (session,) = struct.unpack_from("<I", frame, 4)
            (user_ref,) = struct.unpack_from("<I", frame, 24)
            found.add((session, user_ref))
    return found


def run_with_kills(directory: Path, durability: str, victims: list[str], seed: int) -> None:
    generator = random.Random(seed)
    file = write_split_config(directory, durability)
    venue = RunningVenue(file)
    listen = venue.config.order_entry.listen
    address = (listen.address, listen.port)
    members = [StubbornMember(address, name) for name in ("ALFA1", "BETA1")]
    for member in members:
        member.start()
    journal = venue.config.journal.directory
    before = None
    for victim in victims:
        for member in members:
            member.wait_for(len(member.replies) + generator.randrange(1, 400))
        venue.kill(victim)
        if victim == "all":
            before = Replay(journal).run()
            venue = RunningVenue(file)
    for member in members:
        member.wait_for(len(member.replies) + 200)
        member.finish()
    told = {m.username: all_replies(address, m.username, len(m.replies)) for m in members}
    assert venue.stop() == 0, venue.said()

    for session, member in enumerate(members, start=1):
        # Its orders may have traded after it stopped listening.
        again = told[member.username][: len(member.replies)]
        assert again == member.replies, "replies are not what the member was told"
        orders = {(session, ref) for ref in member.acknowledged}
        assert orders <= accepted_orders(journal), "an acknowledged order is not in the journal"
    after = Replay(journal)
    report = after.run()
    assert report.fault == ""
    assert (
        report.books_digest
        == json.loads((venue.config.venue.data_directory / "books.json").read_text())[
            "books_digest"
        ]
    )
    if before is not None:
        replayed = Replay(journal).run(until_sequence=before.sequence)
        assert replayed.stream_digest == before.stream_digest


@pytest.mark.parametrize("victim", [*PROCESSES, "all"])
def test_a_killed_process_loses_nothing(tmp_path: Path, victim: str) -> None:
    run_with_kills(tmp_path, "off", [victim] * 2, seed=1)


def test_killed_processes_lose_nothing_with_replies_held_back_until_durable(tmp_path: Path) -> None:
    run_with_kills(tmp_path, "before-reply", ["journal", "matcher", "all", "gateway"], seed=2)


def run_with_random_kills(directory: Path, seed: int, kills: int) -> None:
    generator = random.Random(seed)
    victims = [generator.choice((*PROCESSES, "all")) for _ in range(kills)]
    durability = generator.choice(("off", "interval", "before-reply"))
    run_with_kills(directory, durability, victims, seed)


def test_a_dozen_kills_at_random_points_lose_nothing(tmp_path: Path) -> None:
    run_with_random_kills(tmp_path, seed=100, kills=12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_kills_at_random_points_lose_nothing(tmp_path: Path, seed: int) -> None:
    run_with_random_kills(tmp_path, seed, kills=25)
