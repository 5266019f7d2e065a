"""Goal: however many log in wrongly, and from where: who was logged in stays so, and whose password
is right gets in.

Method: a venue's own process with real hashes, 300 wrong logins a second over loopback beside it,
and members that log in meanwhile. That a login is quick is shown by counting hashes in
`tests/unit/test_judge.py`; here its time limit is one that a loaded machine keeps.
"""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.login_flood import Flood, Guess, guesses, unknown_users

from ironpit.client import connect_blocking
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate

PER_S = 300
COUNT_MAX = 60 * PER_S
ROUNDS = 3
TIMEOUT_S = 10.0
HERE = ["127.0.0.1"]
ELSEWHERE = [f"127.0.0.{last}" for last in range(2, 100)]


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    with TemporaryVenue(settings_of(generate(3, 100), Options())) as venue:
        yield venue


def target(venue: TemporaryVenue) -> tuple[str, int]:
    listen = venue.config.order_entry.listen
    return listen.address, listen.port


def log_in(venue: TemporaryVenue, username: str) -> None:
    connect_blocking(target(venue), username, venue.password, timeout_s=TIMEOUT_S)[0].close()


def has_ended(member: socket.socket) -> bool:
    """Whether the venue has closed it, behind all that it has sent."""
    member.setblocking(False)
    try:
        while member.recv(4096):
            pass
    except BlockingIOError:
        return False
    return True


@pytest.mark.parametrize("addresses", [HERE, ELSEWHERE], ids=["the same address", "many others"])
@pytest.mark.parametrize("wrong", ["unknown users", "guesses at a member"])
def test_right_logins_get_in_beside_a_flood_of_wrong_ones(
    venue: TemporaryVenue, wrong: str, addresses: list[str]
) -> None:
    guessed, staying, newcomer = (session.username for session in venue.config.sessions)
    logins: Iterator[Guess] = unknown_users() if wrong == "unknown users" else guesses(guessed)
    with (
        closing(connect_blocking(target(venue), staying, venue.password)[0]) as stays,
        Flood(target(venue), logins, addresses, per_s=PER_S, count=COUNT_MAX) as flood,
    ):
        flood.wait_for_more(2 * PER_S)
        for _ in range(ROUNDS):
            # The first time they are hashed, the one that is guessed at as well.
            log_in(venue, guessed)
            log_in(venue, newcomer)
            flood.wait_for_more(PER_S // 10)
        assert not has_ended(stays)
    assert venue.said().count("wrong login") <= 2
