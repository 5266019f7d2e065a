"""Goal: a session whose socket has to be accelerated and is not does not get in, or does not stay.

Method: a hand-turned venue whose process's own thread is played by the test.
"""

from tests.venue import HandVenue, Member


def closed(venue: HandVenue) -> int:
    return venue.gateway.counters.snapshot()["closed_unaccelerated"]


def test_connections_are_told_with_their_descriptors(venue: HandVenue, member: Member) -> None:
    [(connection, generation, fd)] = venue.gateway.connections()
    assert (connection, generation) == (0, 1)
    assert fd > 2
    member.socket.close()
    venue.settle()
    assert venue.gateway.connections() == []


def test_a_login_is_refused_as_a_session_that_is_not_available(venue: HandVenue) -> None:
    member = Member(venue)
    member.send("L", f"{'ALFA1':<6}{'OPEN':<10}{'':>10}{1:>20}".encode())
    while not venue.gateway.logins():
        venue.gateway.poll_once()
    [(connection, generation, *_)] = venue.gateway.logins()
    venue.gateway.unaccelerated(connection, generation)
    member.wait(lambda: member.closed)
    assert member.packets == [("J", b"S")]
    assert closed(venue) == 1
    assert venue.gateway.counters.snapshot()["logins"] == 0


def test_a_session_that_falls_back_is_ended(venue: HandVenue, member: Member) -> None:
    [(connection, generation, _)] = venue.gateway.connections()
    venue.gateway.unaccelerated(connection, generation)
    member.wait(lambda: member.closed)
    assert closed(venue) == 1
    again = Member(venue)
    again.login()
    assert again.packets[0][0] == "A"


def test_an_older_generation_is_not_heard(venue: HandVenue, member: Member) -> None:
    [(connection, generation, _)] = venue.gateway.connections()
    member.socket.close()
    venue.settle()
    later = Member(venue)
    later.login()
    assert venue.gateway.connections()[0][0] == connection
    venue.gateway.unaccelerated(connection, generation)
    later.enter(1)
    assert len(later.replies()) >= 2
    assert closed(venue) == 0
