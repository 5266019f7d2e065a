"""Goal: a venue whose journal is begun anew is never taken for the one before: whoever follows its
event stream sees the end of the old one, and the new one from its first frame, and no resumption
joins the two.

Method: real processes. A venue is loaded and stopped, its journal is removed, and it is started and
loaded again, with bridges that run meanwhile and such as are started again. What a far ring holds
is compared with the journal that the venue has then.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from tests.bridges import Bridges
from tests.process.cli.test_cli_venue import MESSAGES, load
from tests.unit.messaging.tcp_ends import Seen, until

from ironcore.base.status import Status
from ironcore.messaging.shm import ShmSubscription
from ironcore.ring import broadcast
from ironcore.stream.journal_reader import JournalReader
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue, free_port
from ironpit.flow import generate
from ironpit.venue.stream_identity import recorded, session_of

EVENTS = "{capacity: 64MiB, readers: {journal: gating, publisher: gating, archive: gating}}"


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    settings = settings_of(generate(2, MESSAGES), Options())
    settings["streams"]["events"] = yaml.safe_load(EVENTS)
    with closing(TemporaryVenue(settings)) as venue:
        yield venue


def journal_of(venue: TemporaryVenue) -> list[tuple[int, bytes]]:
    return [(n, bytes(frame)) for n, frame in JournalReader(venue.config.journal.directory)]


def holds(ring: Path, venue: TemporaryVenue) -> bool:
    """Whether the ring is of the venue's stream, and has as much of it as the venue's own."""
    if not ring.exists():
        return False
    own, far = broadcast.positions(venue.config.streams.events.path), broadcast.positions(ring)
    return (far.session, far.sequence_next) == (own.session, own.sequence_next)


def frames_in(ring: Path) -> Seen:
    seen = Seen(ShmSubscription(ring, from_="oldest"))
    while seen.poll() > 0:
        pass
    return seen


def begin_anew(venue: TemporaryVenue) -> None:
    """Another journal in the place of the one that there was; more goes into it."""
    assert venue.stop() == 0
    shutil.rmtree(venue.config.journal.directory)
    venue.start()
    load(venue)
    load(venue)


def test_a_bridge_that_runs_ends_the_old_stream_and_begins_the_new_one(
    venue: TemporaryVenue, tmp_path: Path
) -> None:
    far = tmp_path / "far.ring"
    with Bridges() as bridges:
        venue.start()
        running = bridges.start(f"venue:{venue.file}?reader=archive&from=oldest", f"shm:{far}")
        load(venue)
        until(lambda: holds(far, venue))
        first, old = journal_of(venue), Seen(ShmSubscription(far, from_="oldest"))
        name = venue.config.venue.name
        assert (session_of(venue.config), broadcast.positions(far).session) == (name, name)
        begin_anew(venue)
        until(lambda: holds(far, venue))
        session = session_of(venue.config)
        assert session.startswith(f"{name}-")
        assert venue.stop() == 0
        new = frames_in(far)
        until(lambda: old.last == -Status.CLOSED, old.poll)
        assert old.frames == first[: len(old.frames)]
        assert new.frames == journal_of(venue)
        assert len(new.frames) > len(first)
        assert old.gaps == new.gaps == []
        stream = recorded(venue.config.journal.directory)
        assert stream is not None
        assert broadcast.positions(far).identity == stream.identity
        said = bridges.stop(running)
        assert f"session {name} was followed by {session}: the ring of {name} ends" in said


def test_over_tcp_a_resumption_after_a_new_journal_is_refused_and_begins_it(
    venue: TemporaryVenue, tmp_path: Path
) -> None:
    far, place = tmp_path / "far.ring", f"tcp:127.0.0.1:{free_port()}"
    near = (f"venue:{venue.file}?reader=archive&from=oldest", place)
    with Bridges() as bridges:
        venue.start()
        first_hop = bridges.start(*near)
        last_hop = bridges.start(f"{place}?name=FAR&backoff_max=50ms", f"shm:{far}")
        load(venue)
        until(lambda: holds(far, venue))
        name = venue.config.venue.name
        begin_anew(venue)
        _, said = first_hop.communicate(timeout=30)
        assert first_hop.returncode == 1
        session = session_of(venue.config)
        assert f"session {name} was followed by {session}, and the bridge ends" in said
        last_hop.communicate(timeout=30)
        assert last_hop.returncode == 0
        for ended in (first_hop, last_hop):
            bridges.running.remove(ended)
        # As a service manager starts them again.
        bridges.start(*near)
        last_hop = bridges.start(f"{place}?name=FAR&backoff_max=50ms", f"shm:{far}")
        until(lambda: holds(far, venue))
        assert venue.stop() == 0
        new = frames_in(far)
        assert (new.frames, new.gaps) == (journal_of(venue), [])
        assert f"the ring of {name} ends" in bridges.stop(last_hop)
