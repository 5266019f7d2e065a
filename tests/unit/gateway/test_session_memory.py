"""The memory for replies is resident before the gateway's thread gets there.

Method: a venue turned by hand; what became resident is what the gateway says, and what the kernel
says of the process.
"""

import resource
from pathlib import Path

from tests.venue import HandVenue, Member

PAGE_BYTES = resource.getpagesize()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def used_session(venue: HandVenue) -> Member:
    """A member with one reply, whose session has been looked at before."""
    venue.settle()
    venue.gateway.make_resident()
    member = Member(venue)
    member.login()
    member.enter(1)
    member.replies()
    return member


def test_a_session_that_nobody_uses_takes_no_memory(venue: HandVenue) -> None:
    assert [venue.gateway.make_resident() for _ in range(3)] == [0, 0, 0]


def test_one_reply_makes_room_for_thousands_resident_once(config_file: Path) -> None:
    venue = HandVenue(config_file, replies_bytes_max=1 << 24)
    used_session(venue)
    before = resident_bytes()
    made = venue.gateway.make_resident()
    assert made >= 1 << 18
    assert resident_bytes() - before >= made // 2  # a little of it was there already
    assert venue.gateway.make_resident() == 0


def test_growth_is_followed_and_ends_with_the_memory(config_file: Path) -> None:
    venue = HandVenue(config_file, replies_bytes_max=1 << 16)
    member = used_session(venue)
    made = venue.gateway.make_resident()
    for number in range(2, 401):
        member.enter(number)
        if number % 50 == 0:
            member.replies()
            made += venue.gateway.make_resident()
    orders_bytes = 32 * 4096
    ends_bytes = 8 * (1 << 16) // 8
    assert 1 << 16 < made <= (1 << 16) + orders_bytes + ends_bytes
    assert len(member.replies()) > 400  # and the start of the day
