"""The member of the crash tests, which no machine may be too fast for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.split_venue import RunningVenue, StubbornMember, write_split_config

USER_REFS_MAX = 1024


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[RunningVenue]:
    running = RunningVenue(write_split_config(tmp_path, user_refs_max=USER_REFS_MAX))
    yield running
    assert running.stop() == 0, running.said()


def test_a_member_that_has_used_every_user_ref_falls_silent(venue: RunningVenue) -> None:
    listen = venue.config.order_entry.listen
    member = StubbornMember((listen.address, listen.port), "ALFA1", USER_REFS_MAX)
    member.start()
    while len(member.acknowledged) < USER_REFS_MAX - 1:
        member.wait_for(len(member.replies) + 1)
    member.finish()
    assert sorted(member.acknowledged) == list(range(1, USER_REFS_MAX))
