"""Goal: readers that a venue's configuration names attach to its event stream from the command
line, lossy or gating as configured, and are seen by name.

Method: a venue with the readers of a documented example; `ironpit bridge` takes its stream into a
ring, which is compared with the journal. The rule of each reader by its address alone.
"""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from tests.bridges import DEADLINE_S, Bridges
from tests.process.cli.test_cli_venue import MESSAGES, ironpit, load
from tests.venue import write_config

from ironcore.messaging.shm import ShmSubscription, reader_states
from ironcore.stream.journal_reader import JournalReader
from ironpit.bridge.addresses import parse
from ironpit.common.errors import UserError
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue
from ironpit.flow import generate

EVENTS = (
    "{transport: shm, path: events.ring, capacity: 64MiB, huge_pages: auto, "
    "readers: {journal: gating, publisher: gating, console: lossy}}"
)


@pytest.fixture
def venue() -> Iterator[TemporaryVenue]:
    settings = settings_of(generate(2, MESSAGES), Options())
    settings["streams"]["events"] = yaml.safe_load(EVENTS)
    with closing(TemporaryVenue(settings)) as venue:
        yield venue


def test_a_console_follows_the_stream_as_a_lossy_reader_and_is_named(
    venue: TemporaryVenue, tmp_path: Path
) -> None:
    venue.start()
    load(venue)
    far = tmp_path / "far.ring"
    source = f"venue:{venue.file}?reader=console"
    counters = venue.config.venue.data_directory / "counters-reader_console.dat"
    with Bridges() as bridges:
        bridge = bridges.start(f"{source}&from=oldest", f"shm:{far}")
        places = [state.name for state in reader_states(venue.config.streams.events.path)]
        assert sorted(places) == ["gateway", "journal", "publisher"]
        load(venue)
        assert venue.stop() == 0
        journal = [(n, bytes(frame)) for n, frame in JournalReader(venue.config.journal.directory)]
        reader = ShmSubscription(far, from_="oldest")
        frames: list[tuple[int, bytes]] = []
        deadline_s = time.monotonic() + DEADLINE_S
        while len(frames) < len(journal):
            assert time.monotonic() < deadline_s, f"{len(frames)} of {len(journal)} frames"
            reader.poll(lambda sequence, frame: frames.append((sequence, frame)))
        assert frames == journal
        bridges.stop(bridge, signal.SIGKILL)
        seen = json.loads(ironpit("stat", "-c", str(venue.file), "--json").stdout)
        [console] = [p for p in seen["processes"] if p["process"] == "reader_console"]
        assert (console["alive"], console["counters"]["from.gaps"]) == (False, 0)
        assert console["counters"]["bridge.frames"] == len(journal)
        bridge = bridges.start(f"{source}&from=now", f"shm:{tmp_path / 'new.ring'}")
        assert "0 frames carried" in bridges.stop(bridge)
    assert not counters.exists()


def test_a_gating_reader_has_its_place_in_the_ring_and_others_are_refused(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    text = file.read_text().replace("{path: " + f"{tmp_path}/events.ring", "{path: r.ring")
    file.write_text(text)
    for reader, expected in (
        ("", "found no reader=, expected a reader besides the stages"),
        ("?reader=journal", "found reader=journal, expected a reader besides the stages"),
    ):
        with pytest.raises(UserError, match=expected):
            parse("from", f"venue:{file}{reader}")
    readers = "{journal: gating, copy: gating 2s, console: lossy}"
    file.write_text(text.replace("{path: r.ring", f"{{readers: {readers}, path: r.ring"))
    gating = parse("from", f"venue:{file}?reader=copy")
    assert (gating.where.transport, gating.where.path.name) == ("shm", "r.ring")
    assert gating.where.options == {"reader": "copy"}
    assert parse("from", f"venue:{file}?reader=console&from=now").where.options == {"from_": "now"}
    with pytest.raises(UserError, match="found reader=journal, expected one of console, copy"):
        parse("from", f"venue:{file}?reader=journal")
