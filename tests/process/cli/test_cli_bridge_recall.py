"""Goal: a bridge from a ring that waits for it to a network offers, when it is started again, what
the ring or the journal of the stream still has, and not only what comes from then on.

Method: bridges as processes, killed while the far side is away. A venue's stream with its journal,
over TCP, is compared with the journal; a plain ring, over TCP and over multicast, with what the
test put in.
"""

import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from tests.bridges import Bridges
from tests.process.cli.test_cli_venue import MESSAGES, load
from tests.unit.messaging.tcp_ends import Seen, until

from ironcore.messaging.shm import ShmPublication, ShmSubscription
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironcore.stream.journal_reader import JournalReader
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue, free_port
from ironpit.flow import generate

EVENTS = "{capacity: 64KiB, readers: {journal: gating, publisher: gating, archive: gating}}"
COUNT = 300


def test_a_far_side_that_was_away_gets_a_venue_s_events_out_of_the_journal(tmp_path: Path) -> None:
    settings = settings_of(generate(2, MESSAGES), Options())
    settings["streams"] |= {"events": yaml.safe_load(EVENTS), "orders": {"capacity": "64KiB"}}
    far, place = tmp_path / "far.ring", f"tcp:127.0.0.1:{free_port()}"
    with closing(TemporaryVenue(settings)) as venue, Bridges() as bridges:
        ring = venue.config.streams.events.path
        near_hop = (f"venue:{venue.file}?reader=archive&from=oldest", place)
        far_hop = (f"{place}?name=FAR&backoff_max=50ms", f"shm:{far}")

        def behind(reader: str) -> int:
            return next(s.lag_bytes for s in broadcast.reader_states(ring) if s.name == reader)

        venue.start()
        near = bridges.start(*near_hop)
        away = bridges.start(*far_hop)
        until(lambda: broadcast.positions(far).sequence_next > 5)
        bridges.stop(away, signal.SIGKILL)
        load(venue)
        until(lambda: behind("archive") == 0)
        bridges.stop(near, signal.SIGKILL)
        # The ring is smaller than what was missed: most of it is in the journal alone.
        assert broadcast.positions(ring).sequence_oldest > broadcast.positions(far).sequence_next
        bridges.start(*near_hop)
        bridges.start(*far_hop)
        last = broadcast.positions(ring).sequence_next
        until(lambda: broadcast.positions(far).sequence_next >= last)
        assert venue.stop() == 0
        seen = Seen(ShmSubscription(far, from_="oldest"))
        while seen.poll() > 0:
            pass
        journal = [(n, bytes(frame)) for n, frame in JournalReader(venue.config.journal.directory)]
        assert seen.gaps == []
        assert seen.frames == journal[: len(seen.frames)]
        assert len(seen.frames) >= last - 1


@pytest.mark.parametrize("way", ["tcp", "tcp-named", "multicast"])
def test_what_the_ring_holds_of_before_is_offered_again(way: str, tmp_path: Path) -> None:
    path, far = tmp_path / "near.ring", tmp_path / "far.ring"
    broadcast.create(path, 1 << 16, {"copy": Gating()}, session="FIRST")
    publication = ShmPublication(path)
    for number in range(1, COUNT + 1):
        publication.offer(b"%d" % number)
    if way == "multicast":
        asking = f"rerequest=127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        group = f"multicast:239.255.77.79:{free_port(socket.SOCK_DGRAM)}@127.0.0.1?{asking}"
        near_hop = (f"shm:{path}?reader=copy", f"{group}&heartbeat=50ms")
        far_hop = (group, f"shm:{far}")
    else:
        place = f"tcp:127.0.0.1:{free_port()}"
        option = "?session=NAMED" if way == "tcp-named" else ""
        near_hop = (f"shm:{path}?reader=copy", f"{place}{option}")
        far_hop = (place, f"shm:{far}")

    def behind() -> int:
        return broadcast.reader_states(path)[0].lag_bytes

    with Bridges(tmp_path) as bridges:
        near = bridges.start(*near_hop)
        until(lambda: behind() == 0)
        bridges.stop(near, signal.SIGKILL)
        bridges.start(*near_hop)
        bridges.start(*far_hop)
        publication.offer(b"%d" % (COUNT + 1))
        until(lambda: broadcast.positions(far).sequence_next == COUNT + 2)
        seen = Seen(ShmSubscription(far, from_="oldest"))
        while seen.poll() > 0:
            pass
        assert seen.frames == [(n, b"%d" % n) for n in range(1, COUNT + 2)]
        assert seen.gaps == []
