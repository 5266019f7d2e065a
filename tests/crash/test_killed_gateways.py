"""SIGKILL to either of two gateways, at random points of the load: each accepted order is in the
stream once, members resume without gap or duplicate, and members of the other notice nothing.

Method: eight members at two gateways on two ports, each gateway a process of its own; kills after a
random number of replies; at the end the journal is held against all that members were told.
"""

import random
import re
import socket
import struct
from collections import Counter
from pathlib import Path

import pytest
from tests.split_venue import RunningVenue, StubbornMember, all_replies, write_split_config
from tests.venue import PASSWORD, with_gateways

from ironcore.runtime.replay import Replay
from ironcore.stream.journal_reader import JournalReader
from ironpit.venue import credentials

COMMAND_ENTER_ORDER = 16
KILLS = 3
ORDERS = 300  # that a member may send more, from one step to the next
SERVED = {
    "east": ["EAST1", "EAST2", "EAST3", "EAST4"],
    "west": ["WEST1", "WEST2", "WEST3", "WEST4"],
}
PLACEMENT = """placement:
  restarts_max: 10000
  processes:
    east: {threads: [{name: gateway, stages: [gateway-east]}]}
    west: {threads: [{name: gateway, stages: [gateway-west]}]}
    matcher: {threads: [{name: matcher, stages: [matcher]}]}
    rest: {threads: [{name: rest, stages: [journal, publisher]}]}
"""


def write_two_gateways(directory: Path) -> Path:
    """The small venue with eight sessions at two gateways."""
    file = write_split_config(directory, placement=PLACEMENT)
    usernames = [username for names in SERVED.values() for username in names]
    sessions = "".join(f"  - {{username: {name}, firm: {name[:4]}}}\n" for name in usernames)
    text = re.sub(r"sessions:\n( +- .*\n)+", f"sessions:\n{sessions}", file.read_text())
    text = text.replace("sessions_max: 4", "sessions_max: 8")
    text = re.sub(r"user_refs_max: \d+", "user_refs_max: 65536", text)
    file.write_text(text)
    for username in usernames:
        credentials.set_password(directory / "credentials.yaml", username, PASSWORD)
    return with_gateways(file, SERVED)


def orders_of(journal: Path) -> list[tuple[int, int, int, int]]:
    """(source, source_sequence, session, UserRefNum) of every order in the journal."""
    found = []
    for _, frame in JournalReader(journal):
        if frame[0] == COMMAND_ENTER_ORDER:
            (session,) = struct.unpack_from("<I", frame, 4)
            (source_sequence,) = struct.unpack_from("<Q", frame, 16)
            (user_ref,) = struct.unpack_from("<I", frame, 24)
            (source,) = struct.unpack_from("<H", frame, 32)
            found.append((source, source_sequence, session, user_ref))
    return found


class Member(StubbornMember):
    """Sends no more orders than it may: a gateway takes its time to come back, and the other one's
    members would fill the day meanwhile."""

    budget = 0

    def grow(self, replies: int) -> None:
        """Let it send for a while, and wait for so many replies more."""
        self.budget += ORDERS
        self.wait_for(len(self.replies) + replies)

    def _send_more(self, sock: socket.socket) -> None:
        self.WINDOW = min(64, self.budget - len(self.acknowledged))
        super()._send_more(sock)


def all_reconnections(members: list[Member]) -> list[int]:
    return [member.reconnections for member in members]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_gateway_loses_nothing_and_disturbs_no_other(tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    venue = RunningVenue(write_two_gateways(tmp_path))
    ports = {one.name: one.settings.listen for one in venue.config.gateways}
    addresses = {name: (listen.address, listen.port) for name, listen in ports.items()}
    members = {
        name: [Member(addresses[name], username) for username in usernames]
        for name, usernames in SERVED.items()
    }
    for member in (one for at in members.values() for one in at):
        member.start()
    for victim, other in generator.sample([("east", "west"), ("west", "east")], 2):
        before = all_reconnections(members[other])
        for _ in range(KILLS):
            for member in (*members[other], *members[victim]):
                member.grow(generator.randrange(1, ORDERS))
            venue.kill(victim)
        for member in (*members[victim], *members[other]):
            member.grow(ORDERS // 2)
        assert all_reconnections(members[other]) == before
        assert all(count >= KILLS for count in all_reconnections(members[victim]))
    everybody = [(name, member) for name, at in members.items() for member in at]
    for _, member in everybody:
        member.finish()
    told = {
        member.username: all_replies(addresses[name], member.username, len(member.replies))
        for name, member in everybody
    }
    assert venue.stop() == 0, venue.said()

    orders = orders_of(venue.config.journal.directory)
    assert max(Counter((session, ref) for _, _, session, ref in orders).values()) == 1
    last = {1: 0, 2: 0}
    for source, source_sequence, session, _ in orders:
        assert source == (1 if session <= 4 else 2)
        assert source_sequence > last[source], "a frame of an order ring is in the stream twice"
        last[source] = source_sequence
    accepted = {(session, ref) for _, _, session, ref in orders}
    for session, (_, member) in enumerate(everybody, start=1):
        again = told[member.username][: len(member.replies)]
        assert again == member.replies, "replies are not what the member was told"
        assert {(session, ref) for ref in member.acknowledged} <= accepted
    assert Replay(venue.config.journal.directory).run().fault == ""
