"""SoupBinTCP sessions at the gateway: who gets in, who is thrown out and why, and what a member
that comes back finds. Method: raw packets over real sockets to a venue that the test turns by hand.
"""

import struct
from pathlib import Path

import pytest
from tests.venue import HandVenue, Member


def closed(venue: HandVenue, reason: str) -> int:
    return venue.gateway.counters.snapshot()[f"closed_{reason}"]


def test_a_right_password_is_let_in_and_told_the_next_sequence(venue: HandVenue) -> None:
    member = Member(venue)
    member.login()
    kind, payload = member.packets[0]
    assert kind == "A"
    assert payload == b"      TEST" + b"%20d" % 1


@pytest.mark.parametrize(
    ("username", "password"), [("ALFA1", "WRONG"), ("NOBODY", "OPEN"), ("ALFA1", "")]
)
def test_a_wrong_login_is_refused_and_counted(
    venue: HandVenue, username: str, password: str
) -> None:
    member = Member(venue, username)
    member.login(password)
    member.wait(lambda: member.closed)
    assert member.packets == [("J", b"A")]
    assert closed(venue, "login_refused") == 1


@pytest.mark.parametrize(("session", "sequence"), [("OTHER", 1), ("", 99), ("TEST", 3)])
def test_another_session_or_a_sequence_beyond_the_end_is_refused(
    venue: HandVenue, session: str, sequence: int
) -> None:
    member = Member(venue)
    member.login(session=session, sequence=sequence)
    member.wait(lambda: member.closed)
    assert member.packets == [("J", b"S")]
    assert closed(venue, "no_session") == 1


def test_the_sequence_after_the_newest_reply_is_let_in(venue: HandVenue) -> None:
    member = Member(venue)
    member.login(sequence=2)  # the day's start is reply 1
    assert member.packets == [("A", b"      TEST" + b"%20d" % 2)]


def test_zero_asks_for_the_newest_reply(member: Member, venue: HandVenue) -> None:
    for number in (1, 2, 3):
        member.enter(number)
    sent = member.replies()
    again = Member(venue)
    again.login(sequence=0)
    assert again.replies() == sent[-1:]
    assert again.packets[0] == ("A", b"      TEST" + b"%20d" % len(sent))


def test_a_second_login_takes_the_session_over(member: Member, venue: HandVenue) -> None:
    later = Member(venue)
    later.login()
    assert later.packets[0][0] == "A"
    member.wait(lambda: member.closed)
    assert closed(venue, "displaced") == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x00\x00", "malformed"),
        (b"\x00\x02U?", "malformed"),
        (b"\x00\x03UO\x00", "malformed"),
        (b"\xff\xffU", "oversized"),
        (b"\x00\x01S", "unexpected"),
        (b"\x00\x01L", "unexpected"),
        (b"\x00\x01O", "logout"),
    ],
)
def test_a_bad_packet_closes_its_own_session_only(
    member: Member, venue: HandVenue, raw: bytes, reason: str
) -> None:
    other = Member(venue, "BETA1")
    other.login()
    member.socket.sendall(raw)
    member.wait(lambda: member.closed)
    assert closed(venue, reason) == 1
    other.enter(1)
    assert other.replies()[-1][:1] == b"A"


def test_an_order_before_the_login_closes_the_connection(venue: HandVenue) -> None:
    member = Member(venue)
    member.enter(1)
    member.wait(lambda: member.closed)
    assert closed(venue, "unexpected") == 1
    assert venue.matcher.counters.snapshot()["ignored"] == 0


def test_packets_that_arrive_byte_by_byte_are_put_together(member: Member) -> None:
    whole = (
        struct.pack(">H", 48)
        + b"U"
        + struct.pack(
            ">cIcI8sQccccc14sH",
            b"O",
            1,
            b"B",
            5,
            b"BTCUSD  ",
            10_000,
            b"0",
            b"Y",
            b"P",
            b"N",
            b"N",
            b"token         ",
            0,
        )
    )
    for position in range(len(whole)):
        member.socket.sendall(whole[position : position + 1])
        member.venue.turn()
    assert member.replies()[-1][:1] == b"A"


def test_orders_sent_with_the_login_wait_for_the_verdict(venue: HandVenue) -> None:
    member = Member(venue)
    login = f"{'ALFA1':<6}{'OPEN':<10}{'':>10}{1:>20}".encode()
    member.send("L", login)
    member.enter(1)
    member.wait(lambda: any(reply[:1] == b"A" for kind, reply in member.packets if kind == "S"))
    assert [kind for kind, _ in member.packets] == ["A", "S", "S"]


def test_a_member_that_comes_back_gets_what_it_missed(member: Member, venue: HandVenue) -> None:
    for number in range(1, 200):
        member.enter(number)
    sent = member.replies()
    member.socket.close()
    venue.settle()
    for sequence in (1, 2, 64, 65, 66, 130, 200):
        again = Member(venue)
        again.login(sequence=sequence)
        assert again.replies() == sent[sequence - 1 :]


def test_replies_are_the_same_after_the_venue_was_killed(
    member: Member, venue: HandVenue, config_file: Path
) -> None:
    for number in range(1, 20):
        member.enter(number, side="BS"[number % 2], quantity=number)
    member.cancel(3)
    member.replace(4, 20, 50, 900_000)
    sent = member.replies()
    venue.crash()
    again_venue = HandVenue(config_file)
    again_venue.settle()
    again = Member(again_venue)
    again.login()
    assert again.replies() == sent
    again.enter(21, price=10_000)
    assert len(again.replies()) == len(sent) + 1
    again_venue.crash()


def test_a_disconnect_cancels_where_the_session_asks_for_it(venue: HandVenue) -> None:
    careful = Member(venue, "GAMA1")
    careful.login()
    lasting = Member(venue, "BETA1")
    lasting.login()
    careful.enter(1)
    lasting.enter(1)
    careful.replies()
    for member in (careful, lasting):
        member.socket.close()
    venue.settle()
    assert venue.gateway.counters.snapshot()["session_cancels"] == 1
    resting = venue.engine.orders(0, "B")
    assert len(resting) == 1
    careful = Member(venue, "GAMA1")
    careful.login()
    canceled = careful.replies()[-1]
    assert (canceled[:1], canceled[-1:]) == (b"C", b"Z")


def test_heartbeats_come_to_a_member_that_hears_nothing_else(member: Member) -> None:
    member.packets.clear()
    member.wait(lambda: ("H", b"") in member.packets)


def test_idle_strangers_do_not_keep_members_out(venue: HandVenue) -> None:
    strangers = []
    for _ in range(4):
        strangers.append(Member(venue))
        venue.settle()
    member = Member(venue)
    member.login()
    assert member.packets[0][0] == "A"
    strangers[0].wait(lambda: strangers[0].closed)
    assert closed(venue, "crowded_out") == 1
    strangers[1].read()
    assert not strangers[1].closed


def test_a_session_whose_reply_memory_fills_up_is_told_of_every_execution_and_cancel(
    config_file: Path,
) -> None:
    venue = HandVenue(config_file, replies_bytes_max=1 << 15)
    venue.settle()
    passive = Member(venue)
    passive.login()
    taker = Member(venue, "BETA1")
    taker.login()
    for number in range(1, 301):
        passive.enter(number, side="S", quantity=1)
    passive.replies()
    taker.enter(1, quantity=250, tif="3")
    sent = passive.replies()
    assert [kind for kind in b"AEC" if kind in {reply[0] for reply in sent}] == list(b"AEC")
    assert sum(reply[0] == ord("E") for reply in sent) == 250
    assert sum(reply[0] == ord("C") for reply in sent) == 50
    assert venue.gateway.counters.snapshot()["replies_lost"] == 0
    assert len(venue.engine.orders(0, "S")) == 0
    passive.enter(301)
    passive.wait(lambda: passive.closed)
    assert closed(venue, "replies_full") == 1
    venue.crash()


def test_a_login_before_the_stream_has_defined_its_session_waits_for_it(config_file: Path) -> None:
    venue = HandVenue(config_file, defined=False)
    venue.settle()
    member = Member(venue, "GAMA1")
    member.send("L", f"{'GAMA1':<6}{'OPEN':<10}{'':>10}{1:>20}".encode())
    venue.settle()
    member.read()
    assert (member.packets, member.closed) == ([], False)
    venue.define()
    member.wait(lambda: bool(member.packets))
    assert member.packets[0][0] == "A"
    venue.crash()
