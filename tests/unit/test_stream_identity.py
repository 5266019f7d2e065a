"""Goal: each journal has an identity of its own, and a session on the wire that no journal before
it had; a venue that is only started again keeps both.

Method: a venue's preparation alone, in a directory of the test's, between which its journal is
removed, comes back, or is of a time before identities had sessions.
"""

import shutil
from pathlib import Path

import pytest
from tests.venue import HandVenue, write_config

from ironcore.ring import broadcast
from ironcore.ring.mapped_file import SegmentError
from ironpit.common.errors import UserError
from ironpit.config import Config
from ironpit.venue.stream_identity import IDENTITY, Stream, recorded, session_of


def run(file: Path) -> tuple[Config, Stream]:
    """Start the venue, let it write its first frames, and end it as a kill does."""
    venue = HandVenue(file)
    venue.settle()
    venue.journal.finish()
    found = broadcast.positions(venue.config.streams.events.path)
    config = venue.config
    venue.crash()
    return config, Stream(found.identity, found.session)


def test_a_venue_that_is_started_again_has_the_same_stream(tmp_path: Path) -> None:
    config, first = run(write_config(tmp_path))
    assert first.session == session_of(config) == "TEST"
    assert run(tmp_path / "venue.yaml")[1] == first == recorded(config.journal.directory)


@pytest.mark.parametrize("rings", ["kept", "lost"])
def test_a_journal_begun_anew_has_another_identity_and_session(rings: str, tmp_path: Path) -> None:
    file = write_config(tmp_path)
    config, first = run(file)
    sessions = {first.session}
    for count in range(2, 5):
        shutil.rmtree(config.journal.directory)
        if rings == "lost":
            config.streams.events.path.unlink()
            (config.streams.events.path.parent / IDENTITY).unlink()
        _, stream = run(file)
        sessions.add(stream.session)
        assert len(sessions) == count
        assert stream.session.startswith("TEST-")
        assert len(stream.session) == 9
        assert run(file)[1] == stream
        assert session_of(config) == stream.session


def test_a_journal_from_before_sessions_were_written_keeps_the_venue_s_name(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    config, first = run(file)
    for directory in (config.journal.directory, config.streams.events.path.parent):
        (directory / IDENTITY).write_text(first.identity)
    assert run(file)[1] == first


def test_a_journal_that_comes_without_its_identity_keeps_its_session(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    config, _ = run(file)
    shutil.rmtree(config.journal.directory)
    _, second = run(file)
    (config.journal.directory / IDENTITY).unlink()
    _, third = run(file)
    assert third.session == second.session
    assert third.identity != second.identity


def test_an_identity_that_is_none_is_refused(tmp_path: Path) -> None:
    for identity in ("12", "x" * 32):
        with pytest.raises(SegmentError, match="identity"):
            broadcast.create(tmp_path / "ring", 4096, {}, session="S", identity=identity)


def test_a_damaged_identity_is_refused_before_any_ring_is_touched(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    config, _ = run(file)
    rings = [config.gateways[0].orders.path, config.streams.events.path]
    before = [path.read_bytes() for path in rings]
    (config.journal.directory / IDENTITY).write_text("abc")
    with pytest.raises(UserError, match=r"stream.id: found 'abc', expected 32 hexadecimal digits"):
        HandVenue(file)
    assert [path.read_bytes() for path in rings] == before
