"""Goal: connections that have not logged in take no member's place, and make room for one another
so that those who lose least go first.

Method: a hand-turned venue with 4 places for logins; wrong logins and members' right ones, from
several loopback addresses.
"""

import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.venue import PASSWORD, HandVenue, Member

HOUR_NS = 3_600_000_000_000
ELSEWHERE = "127.0.0.2"


def counted(venue: HandVenue, name: str) -> int:
    return venue.gateway.counters.snapshot()[name]


def ask(member: Member, password: str) -> None:
    """Send the login, and turn until the gateway has taken it in."""
    before = {login[1] for login in member.venue.gateway.logins()}
    member.send("L", f"{member.username:<6}{password:<10}{'':>10}{1:>20}".encode())
    while not {login[1] for login in member.venue.gateway.logins()} - before:
        member.venue.gateway.poll_once()


class Elsewhere(Member):
    """A connection from another address."""

    def __post_init__(self) -> None:
        listen = self.venue.config.order_entry.listen
        self.socket = socket.socket()
        self.socket.bind((ELSEWHERE, 0))
        self.socket.connect((listen.address, listen.port))
        self.socket.setblocking(False)
        self.closed = False


@pytest.fixture
def slow(config_file: Path) -> Iterator[HandVenue]:
    """Its refusals come after an hour: never, as far as a test can tell."""
    hand = HandVenue(config_file, failed_login_delay_ns=HOUR_NS, logins_per_address_max=3)
    hand.settle()
    yield hand
    hand.crash()


def test_a_refusal_is_told_only_after_the_delay(slow: HandVenue) -> None:
    guess = Member(slow, "NOBODY")
    ask(guess, "WRONG")
    slow.settle()
    guess.read()
    assert (guess.packets, guess.closed) == ([], False)
    assert slow.gateway.logins() == []
    assert counted(slow, "closed_login_refused") == 0


def test_what_follows_a_refused_login_is_not_read_as_a_second_one(slow: HandVenue) -> None:
    guess = Member(slow)
    ask(guess, "WRONG")
    slow.settle()
    guess.send("L", f"{'ALFA1':<6}{PASSWORD:<10}{'':>10}{1:>20}".encode())
    slow.settle()
    assert slow.gateway.logins() == []
    assert counted(slow, "logins") == 0


def test_a_refused_login_gives_way_before_one_that_is_still_judged(slow: HandVenue) -> None:
    """Though the other one is older, and of the same address."""
    judged = Member(slow)
    ask(judged, PASSWORD)
    refused = Member(slow, "NOBODY")
    ask(refused, "WRONG")
    [mine, other] = sorted(slow.gateway.logins(), key=lambda login: login[1])
    slow.gateway.judge(other[0], other[1], False)
    newcomers = []
    for _ in range(2):
        newcomers.append(Member(slow))
        for _ in range(5):
            slow.gateway.poll_once()
    refused.wait(lambda: refused.closed)
    assert refused.packets == []
    assert counted(slow, "closed_crowded_out") == 1
    slow.gateway.judge(mine[0], mine[1], True)
    judged.wait(lambda: bool(judged.packets))
    assert judged.packets[0][0] == "A"


def test_wrong_logins_by_the_hundred_leave_members_in_and_let_members_in(slow: HandVenue) -> None:
    early = Member(slow, "BETA1")
    early.login()
    for number in range(200):
        guess = Elsewhere(slow, f"X{number}")
        guess.send("L", f"{guess.username:<6}{'WRONG':<10}{'':>10}{1:>20}".encode())
        slow.settle()
    member = Member(slow)
    member.login()
    assert member.packets[0][0] == "A"
    early.read()
    assert not early.closed
    assert counted(slow, "connections_refused") == 0


def test_an_address_with_many_crowds_out_its_own(slow: HandVenue) -> None:
    member = Member(slow)
    ask(member, PASSWORD)
    strangers = []
    for _ in range(10):
        strangers.append(Elsewhere(slow))
        for _ in range(5):
            slow.gateway.poll_once()
    assert counted(slow, "closed_crowded_out") == 7
    member.wait(lambda: bool(member.packets))
    assert member.packets[0][0] == "A"


def test_the_address_with_most_gives_way_to_the_one_with_least(config_file: Path) -> None:
    venue = HandVenue(config_file, logins_per_address_max=4)
    venue.settle()
    member = Member(venue)
    ask(member, PASSWORD)
    strangers = []
    for _ in range(10):
        strangers.append(Elsewhere(venue))
        for _ in range(5):
            venue.gateway.poll_once()
    assert counted(venue, "closed_crowded_out") == 7
    member.wait(lambda: bool(member.packets))
    assert member.packets[0][0] == "A"
    venue.crash()


def test_the_login_tells_its_address(slow: HandVenue) -> None:
    ask(Elsewhere(slow), PASSWORD)
    [(_, _, username, password, address)] = slow.gateway.logins()
    assert (username, password) == ("ALFA1", PASSWORD)
    assert address == int.from_bytes(socket.inet_aton(ELSEWHERE), "big")


def test_more_members_than_there_may_be_are_told_so(config_file: Path) -> None:
    venue = HandVenue(config_file, connections_max=1)
    venue.settle()
    first = Member(venue)
    first.login()
    second = Member(venue, "BETA1")
    second.login()
    second.wait(lambda: second.closed)
    assert second.packets == [("J", b"S")]
    assert counted(venue, "connections_refused") == 1
    again = Member(venue)
    again.login()
    assert again.packets[0][0] == "A"
    venue.crash()


def test_a_host_out_of_descriptors_is_a_full_table(slow: HandVenue) -> None:
    strangers = [Member(slow), Member(slow)]
    slow.settle()
    newcomer = Member(slow)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    fillers = [os.dup(0)]
    while fillers[-1] <= highest:
        fillers.append(os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1, limit[1]))
    try:
        newcomer.login()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        for filler in fillers:
            os.close(filler)
    assert newcomer.packets[0][0] == "A"
    assert counted(slow, "closed_crowded_out") == 1
    strangers[1].wait(lambda: strangers[1].closed)
    strangers[0].read()
    assert not strangers[0].closed
