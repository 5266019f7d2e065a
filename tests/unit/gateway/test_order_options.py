"""Goal: options of orders and mass cancels reach the matcher as the record says, a seed for random
reserves is drawn where none is named, and no option breaks the gateway. Method: raw messages to a
hand-turned venue, and what the event stream holds of them.
"""

import struct
from typing import Any

import pytest
from tests.model import records as r
from tests.streams import whole_stream
from tests.venue import HandVenue, Member

from ironcore.wire import record


def commands(venue: HandVenue, kind: str) -> list[dict[str, Any]]:
    """The commands of this kind in the stream so far."""
    venue.settle()
    config = venue.config
    stream = whole_stream(config.journal.directory, config.streams.events.path)
    firsts = [record.decode_frame(payload)[0] for _, payload in stream]
    return [first for first in firsts if first["kind"] == kind]


def mass_cancel(member: Member, user_ref: int, appendage: bytes) -> None:
    head = struct.pack(">cI4s8sH", b"C", user_ref, b"    ", b"        ", len(appendage))
    member.send("U", head + appendage)


RANDOM_RESERVES = r.option(5, bytes(3) + b"\x0a") + r.option(13, bytes(3) + b"\x02")


def test_the_venues_own_options_reach_the_matcher(member: Member, venue: HandVenue) -> None:
    options = {
        "stop_price": 1_010_000,
        "trail_offset": 500,
        "oco_ref": 77,
        "stp_mode": "B",
        "reserve_seed": 1 << 63,
    }
    appendage = (
        r.option(128, (1_010_000).to_bytes(8, "big"))
        + r.option(129, (500).to_bytes(4, "big"))
        + r.option(130, b"B")
        + r.option(133, (1 << 63).to_bytes(8, "big"))
        + r.option(135, (77).to_bytes(4, "big"))
    )
    member.enter(1, appendage=appendage)
    (entered,) = commands(venue, "EnterOrder")
    assert entered["options"] == options


def test_random_reserves_without_a_seed_get_one_each_and_keep_their_options(
    member: Member, venue: HandVenue
) -> None:
    for number in range(1, 101):
        member.enter(number, appendage=RANDOM_RESERVES)
    seeds = [order["options"]["reserve_seed"] for order in commands(venue, "EnterOrder")]
    assert len(set(seeds)) == 100
    assert commands(venue, "EnterOrder")[0]["options"] == {
        "max_floor": 10,
        "random_reserves": 2,
        "reserve_seed": seeds[0],
    }


@pytest.mark.parametrize(
    "appendage",
    [
        RANDOM_RESERVES + r.option(133, bytes(8)),
        r.option(5, bytes(3) + b"\x0a"),
        r.option(13, bytes(4)),
    ],
)
def test_a_seed_that_is_named_or_not_needed_is_not_drawn(
    member: Member, venue: HandVenue, appendage: bytes
) -> None:
    member.enter(1, appendage=appendage)
    (entered,) = commands(venue, "EnterOrder")
    assert entered["options"].get("reserve_seed", 0) == 0


def test_a_replacement_that_names_random_reserves_gets_a_seed_too(
    member: Member, venue: HandVenue
) -> None:
    member.enter(1)
    body = struct.pack(">cIIIQccc14sH", b"U", 1, 2, 50, 1_000_000, b"0", b"Y", b"N", b"", 12)
    member.send("U", body + RANDOM_RESERVES)
    replaced = commands(venue, "ReplaceOrder")
    assert [command["options"]["reserve_seed"] != 0 for command in replaced] == [True]


def test_a_mass_cancel_names_group_side_and_scope(member: Member, venue: HandVenue) -> None:
    mass_cancel(member, 1, b"")
    mass_cancel(member, 2, r.option(24, b"\x01\x02") + r.option(27, b"T") + r.option(134, b"M"))
    mass_cancel(member, 3, r.option(134, b"S") + r.option(24, bytes(2)))
    names = ("group_given", "group", "side_given", "side", "scope")
    assert [tuple(c[name] for name in names) for c in commands(venue, "MassCancel")] == [
        (0, 0, 0, "", 0),
        (1, 0x102, 1, "T", 1),
        (1, 0, 0, "", 0),
    ]


@pytest.mark.parametrize("appendage", [r.option(134, b"X"), r.option(24, b"\1"), b"\0"])
def test_a_mass_cancel_that_makes_no_sense_closes_the_session(
    member: Member, venue: HandVenue, appendage: bytes
) -> None:
    mass_cancel(member, 1, appendage)
    member.wait(lambda: member.closed)
    assert venue.gateway.counters.snapshot()["closed_malformed"] == 1


@pytest.mark.parametrize("tag", [128, 129, 130, 133])
def test_an_option_of_another_length_closes_the_session(
    member: Member, venue: HandVenue, tag: int
) -> None:
    member.enter(1, appendage=r.option(tag, bytes(3)))
    member.wait(lambda: member.closed)
    assert venue.gateway.counters.snapshot()["closed_malformed"] == 1


def test_what_the_venue_does_not_know_passes_and_is_in_no_record(
    member: Member, venue: HandVenue
) -> None:
    unknown = r.option(99, bytes(200)) + r.option(2, b"FIRM") + r.option(4, b"R")
    member.enter(1, appendage=unknown + r.option(24, b"\0\x07"))
    member.enter(2, appendage=unknown)
    assert [order["options"] for order in commands(venue, "EnterOrder")] == [{"group": 7}, {}]


def test_a_price_that_is_too_high_for_a_record_is_one_that_no_order_has(
    member: Member, venue: HandVenue
) -> None:
    member.enter(1, appendage=r.option(128, b"\xff" * 8))
    (entered,) = commands(venue, "EnterOrder")
    assert entered["options"] == {"stop_price": -1}


def test_replies_have_the_options_in_the_order_of_their_tags(member: Member) -> None:
    known = [r.option(130, b"O"), r.option(5, bytes(3) + b"\x0a"), r.option(24, b"\0\x09")]
    member.enter(1, appendage=b"".join([*known, r.option(99, b"x"), r.option(2, b"FIRM")]))
    accepted = next(reply for reply in member.replies() if reply[:1] == b"A")
    assert accepted[64:] == known[1] + known[2] + known[0]
