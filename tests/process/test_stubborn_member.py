"""The member of the crash tests, which no machine may be too fast for."""

from pathlib import Path

from tests.split_venue import RunningVenue, StubbornMember, write_split_config

USER_REFS_MAX = 1024


def test_a_member_that_has_used_every_user_ref_falls_silent(tmp_path: Path) -> None:
    venue = RunningVenue(write_split_config(tmp_path, user_refs_max=USER_REFS_MAX))
    listen = venue.config.order_entry.listen
    member = StubbornMember((listen.address, listen.port), "ALFA1", USER_REFS_MAX)
    member.start()
    while len(member.acknowledged) < USER_REFS_MAX - 1:
        member.wait_for(len(member.replies) + 1)
    member.finish()
    assert sorted(member.acknowledged) == list(range(1, USER_REFS_MAX))
    assert venue.stop() == 0, venue.said()
