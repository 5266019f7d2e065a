"""Goal: several gateways of one venue answer their own sessions as one would, and no other's.

Method: a hand-turned venue with two gateways; the same members' messages to a venue with one.
"""

import struct
from pathlib import Path

import pytest
from tests.venue import PASSWORD, HandVenue, Member, with_gateways, write_config

from ironpit import config as configs
from ironpit.common.errors import UserError
from ironpit.venue import order_sources

SERVED = {"east": ["ALFA1"], "west": ["BETA1", "GAMA1"]}


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return with_gateways(write_config(tmp_path / "two"), SERVED)


def logged_in(venue: HandVenue, username: str) -> Member:
    member = Member(venue, username)
    member.login()
    assert member.packets[0][0] == "A"
    return member


@pytest.mark.parametrize(("password", "reason"), [(PASSWORD, b"S"), ("WRONG", b"A")])
def test_a_session_is_refused_at_another_gateway(two: Path, password: str, reason: bytes) -> None:
    venue = HandVenue(two)
    venue.settle()
    at_home = logged_in(venue, "ALFA1")
    elsewhere = Member(venue, "ALFA1", gateway="west")
    elsewhere.login(password)
    assert elsewhere.packets[0] == ("J", reason)
    elsewhere.wait(lambda: elsewhere.closed)
    refused = venue.gateways[1].counters.snapshot()["closed_elsewhere"]
    assert refused == (password == PASSWORD)
    at_home.enter(1)
    assert at_home.replies()[-1][:1] == b"A"
    venue.crash()


def test_a_session_that_names_no_gateway_is_the_first_ones(tmp_path: Path) -> None:
    venue = HandVenue(with_gateways(write_config(tmp_path), {"east": [], "west": ["BETA1"]}))
    venue.settle()
    for username, home, other in (("GAMA1", "east", "west"), ("BETA1", "west", "east")):
        for gateway, kind in ((other, "J"), (home, "A")):
            member = Member(venue, username, gateway=gateway)
            member.login()
            assert member.packets[0][0] == kind
    venue.crash()


def traded(file: Path) -> list[list[bytes]]:
    """What each member is told of orders that meet, also within a group that must not trade;
    without the times."""
    text = file.read_text()
    for username in ("ALFA1", "BETA1"):
        name = f"{{username: {username},"
        text = text.replace(name, f"{name} stp_group: 7, stp_mode: cancel-oldest,")
    file.write_text(text)
    venue = HandVenue(file)
    venue.settle()
    alfa, beta, gama = (logged_in(venue, name) for name in ("ALFA1", "BETA1", "GAMA1"))
    alfa.enter(1, "B", 100)
    venue.settle()
    gama.enter(1, "S", 30)
    venue.settle()
    beta.enter(1, "S", 40)
    venue.settle()
    beta.replace(1, 2, 50, 990_000)
    venue.settle()
    alfa.enter(2, "B", 10, 990_000)
    found = [[reply[:1] + reply[9:] for reply in member.replies()] for member in (alfa, beta, gama)]
    venue.crash()
    return found


def test_members_of_several_gateways_are_told_what_one_would_tell(
    two: Path, tmp_path: Path
) -> None:
    found = traded(two)
    assert found == traded(write_config(tmp_path / "one"))
    assert [reply[:1] for reply in found[0]].count(b"D") == 1  # canceled for the other's order


def test_a_gateway_keeps_no_replies_of_sessions_that_it_does_not_serve(two: Path) -> None:
    venue = HandVenue(two)
    venue.settle()
    alfa = logged_in(venue, "ALFA1")
    made = []
    for number in range(1, 4):
        alfa.enter(number)
        alfa.replies()
        made.append([gateway.make_resident() > 0 for gateway in venue.gateways])
    assert [any(of) for of in zip(*made, strict=True)] == [True, False]
    venue.crash()


def test_each_order_ring_that_was_lost_goes_on_with_its_own_numbers(two: Path) -> None:
    venue = HandVenue(two)
    venue.settle()
    alfa, beta = logged_in(venue, "ALFA1"), logged_in(venue, "BETA1")
    for number in range(1, 6):
        alfa.enter(number)
    beta.enter(1)
    told = alfa.replies(), beta.replies()
    assert venue.matcher.source_sequences == (5, 1)
    rings = [one.orders.path for one in venue.config.gateways]
    venue.crash()
    for ring in rings:
        ring.unlink()
    venue = HandVenue(two)
    venue.settle()
    assert venue.matcher.source_sequences == (5, 1)
    alfa, beta = logged_in(venue, "ALFA1"), logged_in(venue, "BETA1")
    assert (alfa.replies(), beta.replies()) == told
    alfa.enter(6)
    beta.enter(2)
    for member, reference in ((alfa, 6), (beta, 2)):
        reply = member.replies()[-1]
        assert (reply[:1], struct.unpack_from(">I", reply, 9)[0]) == (b"A", reference)
    # Its second frame was the cancel on disconnect of GAMA1, which had nothing to cancel.
    assert venue.matcher.source_sequences == (6, 3)
    venue.crash()


def edited(file: Path, before: str, after: str) -> Path:
    """The file with one entry changed."""
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))
    return file


GAMA = "  - {username: GAMA1, gateway: west, firm: GAMA, cancel_on_disconnect: true}\n"


def test_a_session_that_left_the_file_logs_in_at_the_first_gateway(two: Path) -> None:
    venue = HandVenue(two)
    venue.settle()
    gama = logged_in(venue, "GAMA1")
    gama.enter(1)
    told = gama.replies()
    venue.crash()
    venue = HandVenue(edited(two, GAMA, ""))
    venue.settle()
    for username, other in (("GAMA1", "west"), ("ALFA1", "west"), ("BETA1", "east")):
        refused = Member(venue, username, gateway=other)
        refused.login()
        assert refused.packets[0] == ("J", b"S")
    gama = logged_in(venue, "GAMA1")
    assert gama.replies()[: len(told)] == told
    gama.enter(2)
    assert gama.replies()[-1][:1] == b"A"
    venue.crash()


@pytest.mark.parametrize(
    ("before", "after", "later"),
    [
        ("BETA1, gateway: west", "BETA1, gateway: east", {"east": ("ALFA1", "BETA1")}),
        (GAMA, "", {"west": ("BETA1",)}),
    ],
)
def test_a_process_that_starts_again_serves_the_sessions_that_it_served(
    two: Path, before: str, after: str, later: dict[str, tuple[str, ...]]
) -> None:
    HandVenue(two).crash()
    sources = order_sources.check(configs.load(two))
    assert sources == {"east": ("ALFA1",), "west": ("BETA1", "GAMA1")}
    assert order_sources.served(sources, "east") is None  # whoever is at no other one
    assert order_sources.elsewhere(sources, "east") == order_sources.served(sources, "west")
    config = configs.load(edited(two, before, after))
    assert order_sources.check(config) == sources
    HandVenue(two).crash()  # the venue's next start
    assert order_sources.check(config).items() >= later.items()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["east", "west"], ["west", "east"], "found west, east, expected east, west"),
        (["east", "west"], ["east"], "found east, expected east, west"),
        (["east", "west"], ["north", "east", "west"], "found north, east, west, expected east, w"),
        (["east"], ["east", "west"], ""),
    ],
)
def test_a_gateway_keeps_its_place_in_the_stream(
    tmp_path: Path, before: list[str], after: list[str], expected: str
) -> None:
    HandVenue(with_gateways(write_config(tmp_path), {name: [] for name in before})).crash()
    file = with_gateways(write_config(tmp_path), {name: [] for name in after})
    if not expected:
        HandVenue(file).crash()
        return
    with pytest.raises(UserError, match=expected):
        HandVenue(file)
