"""Goal: an order ring that a crash of the host has left older than the journal loses no order.

Method: a hand-turned venue is stopped, its order ring replaced by a copy made before the last
orders were read, as by a disk that had not written them, and the venue started again.
"""

import shutil
from pathlib import Path

from tests.venue import HandVenue, Member


def test_an_order_ring_older_than_the_journal_is_made_anew(
    config_file: Path, tmp_path: Path
) -> None:
    venue = HandVenue(config_file)
    venue.settle()
    member = Member(venue)
    member.login()
    member.enter(1)
    member.replies()
    ring = venue.config.streams.orders.path
    shutil.copy(ring, tmp_path / "older.ring")
    for number in range(2, 6):
        member.enter(number)
    sent = member.replies()
    venue.crash()
    shutil.copy(tmp_path / "older.ring", ring)
    again_venue = HandVenue(config_file)
    again_venue.settle()
    assert [line for line in again_venue.said if "made anew" in line]
    again = Member(again_venue)
    again.login()
    assert again.replies() == sent
    again.enter(6)
    assert again.replies()[-1][:1] == b"A"
    again_venue.crash()
