"""Goal: options of orders and mass cancels reach the matcher as the record says, a seed for random
reserves is drawn where none is named, and no option breaks the gateway. Method: raw messages to a
hand-turned venue, and what the event stream holds of them.
"""

import struct
from typing import Any

import pytest
from tests.model import records as r
from tests.venue import HandVenue, Member

from ironcore.runtime import pipeline
from ironcore.wire import record


def commands(venue: HandVenue, kind: str) -> list[dict[str, Any]]:
    """The commands of this kind in the stream so far."""
    venue.settle()
    config = venue.config
    stream = pipeline.whole_stream(config.journal.directory, config.streams.events.path)
    firsts = [record.decode_frame(payload)[0] for _, payload in stream]
    return [first for first in firsts if first["kind"] == kind]


def mass_cancel(member: Member, user_ref: int, appendage: bytes) -> None:
    head = struct.pack(">cI4s8sH", b"C", user_ref, b"    ", b"        ", len(appendage))
    member.send("U", head + appendage)


RANDOM_RESERVES = r.option(5, bytes(3) + b"\x0a") + r.option(13, bytes(3) + b"\x02")


def test_the_venues_own_options_reach_the_matcher(member: Member, venue: HandVenue) -> None:
    options = {
        "StopPrice": 1_010_000,
        "TrailOffset": 500,
        "SelfTradePrevention": "B",
        "ReserveSeed": 1 << 63,
    }
    appendage = (
        r.option(128, (1_010_000).to_bytes(8, "big"))
        + r.option(129, (500).to_bytes(4, "big"))
        + r.option(130, b"B")
        + r.option(133, (1 << 63).to_bytes(8, "big"))
    )
    member.enter(1, appendage=appendage)
    (entered,) = commands(venue, "EnterOrder")
    assert entered["appendage"] == options


def test_random_reserves_without_a_seed_get_one_each_and_keep_their_options(
    member: Member, venue: HandVenue
) -> None:
    for number in range(1, 101):
        member.enter(number, appendage=RANDOM_RESERVES)
    seeds = [order["appendage"]["ReserveSeed"] for order in commands(venue, "EnterOrder")]
    assert len(set(seeds)) == 100
    assert commands(venue, "EnterOrder")[0]["appendage"] == {
        "MaxFloor": 10,
        "RandomReserves": 2,
        "ReserveSeed": seeds[0],
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
    assert entered["appendage"].get("ReserveSeed", 0) == 0


def test_a_replacement_that_names_random_reserves_gets_a_seed_too(
    member: Member, venue: HandVenue
) -> None:
    member.enter(1)
    body = struct.pack(">cIIIQccc14sH", b"U", 1, 2, 50, 1_000_000, b"0", b"Y", b"N", b"", 12)
    member.send("U", body + RANDOM_RESERVES)
    replaced = commands(venue, "ReplaceOrder")
    assert [command["appendage"]["ReserveSeed"] != 0 for command in replaced] == [True]


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


def test_options_up_to_the_records_end_are_taken_and_more_close_the_session(
    member: Member, venue: HandVenue
) -> None:
    unknown = r.option(99, bytes(200))
    member.enter(1, appendage=unknown + r.option(99, bytes(228)))
    assert len(commands(venue, "EnterOrder")) == 1
    member.enter(2, appendage=unknown + r.option(99, bytes(229)))
    member.wait(lambda: member.closed)
    assert venue.gateway.counters.snapshot()["closed_oversized"] == 1
    assert len(commands(venue, "EnterOrder")) == 1
