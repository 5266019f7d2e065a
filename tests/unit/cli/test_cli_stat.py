"""Goal: `ironpit stat` shows where streams stand and names slow and evicted readers, with reasons.

Method: rings whose producer is driven with made-up times, and counters, in the places where a
venue's configuration has them; no venue runs.
"""

import json
import os
from pathlib import Path

import pytest
from tests.venue import write_config

from ironcore.base.counter_declaration import Counter, Gauge, Maximum
from ironcore.base.counters import CountersFile
from ironcore.base.status import Status
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating
from ironcore.runtime import pipeline
from ironpit import cli, config
from ironpit.cli import stat
from ironpit.common.errors import UserError
from ironpit.common.output import show_bytes
from ironpit.config import Config
from ironpit.operate import overview as observed

SECOND = 10**9


@pytest.fixture
def venue(tmp_path: Path) -> Config:
    venue = config.load(write_config(tmp_path))
    venue.venue.data_directory.mkdir(parents=True, exist_ok=True)
    venue.streams.events.path.parent.mkdir(parents=True, exist_ok=True)
    return venue


def counters(venue: Config) -> CountersFile:
    file = CountersFile.create(venue.venue.data_directory / "counters-venue.dat", 8)
    file.add(file.allocate("publisher", Counter("gaps", "a label " * 15)), 1234)
    file.allocate("publisher", Counter("zero"))
    return file


def streams(venue: Config) -> broadcast.Producer:
    pipeline.create_order_ring(venue.streams.orders.path, 65536)
    readers = {"journal": Gating(), "publisher": Gating(2 * SECOND)}
    broadcast.create(venue.streams.events.path, 4096, readers)
    return broadcast.Producer(venue.streams.events.path)


def test_the_stages_of_a_process_are_shown_with_their_threads(venue: Config) -> None:
    file = counters(venue)
    assert file
    stages = [
        {
            "stage": "gateway",
            "kind": "gateway",
            "thread": "hot",
            "protocol": "ouch",
            "listens": "127.0.0.1:26000",
        },
        {"stage": "matcher", "kind": "matcher", "thread": "hot"},
    ]
    status = venue.venue.data_directory / "status-venue.json"
    status.write_text(json.dumps({"pid": os.getpid(), "stages": stages}))
    look = observed.look(venue)
    assert look["processes"][0]["stages"] == stages
    text = stat.text_of(look)
    assert "stage gateway on thread hot: protocol ouch, listens 127.0.0.1:26000\n" in text
    assert "stage matcher on thread hot\n" in text
    # What a process of before has left is not said of this one.
    status.write_text(json.dumps({"pid": 0, "stages": stages}))
    assert "stage gateway" not in stat.text_of(observed.look(venue))


def test_a_slow_reader_is_named_and_then_its_eviction_with_the_reason(venue: Config) -> None:
    file, producer = counters(venue), streams(venue)
    journal = broadcast.Reader(venue.streams.events.path, "journal")
    while producer.offer(bytes(100), SECOND) == Status.OK:
        journal.poll(100)
    look = observed.look(venue)
    text = stat.text_of(look)
    assert "! publisher is slow: 3." in text
    assert "journal is slow" not in text
    assert "evicted" not in text
    assert producer.offer(bytes(100), 4 * SECOND) == Status.OK
    look = observed.look(venue)
    (publisher,) = (r for r in look["streams"][1]["readers"] if r["reader"] == "publisher")
    assert publisher["evictions"] == 1
    text = stat.text_of(look)
    assert "the ring had been full for 3.0 s (patience 2.0 s)" in text
    assert "! publisher was last evicted" in text
    assert file is not None


def test_rates_are_those_between_two_looks(venue: Config) -> None:
    file, producer = counters(venue), streams(venue)
    before = observed.look(venue)
    for _ in range(30):
        assert producer.offer(bytes(16)) == Status.OK
    file.add(0, 60)
    now = observed.look(venue)
    now["mono_ns"] = before["mono_ns"] + 2 * SECOND
    text = stat.text_of(now, before)
    assert "next frame 31, 15 frames and 480 B a second" in text
    assert ["publisher.gaps", "1,294", "30"] in [line.split()[:3] for line in text.splitlines()]


def test_values_are_shown_in_their_unit_and_only_counts_have_rates(tmp_path: Path) -> None:
    file = CountersFile.create(tmp_path / "counters-venue.dat", 8)
    sent = file.allocate("a", Counter("sent_bytes", "bytes sent", unit="bytes"))
    readers = file.allocate("a", Gauge("readers", "connections open", unit="connections"))
    file.allocate("a", Maximum("sync_ns_max", "the longest sync", unit="ns"))
    file.add(sent, 1 << 20)
    file.set(readers, 3)
    [process] = observed.look_at(observed.counters_in(tmp_path))["processes"]
    earlier = process | {"counters": dict.fromkeys(process["counters"], 0)}
    before = {"processes": [earlier], "mono_ns": 0}
    text = stat._process(process, {"mono_ns": SECOND}, before, everything=True)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()[3:]}
    assert rows["a.sent_bytes"][:4] == ["1.0", "MiB", "1.0", "MiB"]
    assert rows["a.readers"] == ["3", "connections", "open"]
    assert rows["a.sync_ns_max"] == ["0", "ns", "the", "longest", "sync"]


def test_json_says_kind_unit_and_help_of_each_counter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "counters-venue.dat"
    file = CountersFile.create(path, 8)
    file.set(file.allocate("a", Gauge("lag_bytes", "how far behind", unit="bytes")), 7)
    file.allocate("a", Maximum("sync_ns_max", "the longest sync", unit="ns"))
    assert cli.main(["stat", "--counters", str(path), "--json"]) == 0
    look = json.loads(capsys.readouterr().out)
    assert look["schema"] == 2
    [process] = look["processes"]
    assert process["counters"] == {"a.lag_bytes": 7, "a.sync_ns_max": 0}
    assert process["declared"] == {
        "a.lag_bytes": {"kind": "gauge", "unit": "bytes", "help": "how far behind"},
        "a.sync_ns_max": {"kind": "maximum", "unit": "ns", "help": "the longest sync"},
    }


def test_no_line_is_wider_than_the_screen_but_for_paths(venue: Config) -> None:
    file, producer = counters(venue), streams(venue)
    look = observed.look(venue)
    text = stat.text_of(look)
    assert "publisher.zero" not in text
    assert "publisher.zero" in stat.text_of(look, everything=True)
    lines = [line for line in text.splitlines() if "(shm, " not in line]
    assert max(map(len, lines)) <= 120
    assert any(line.endswith("…") for line in lines)
    assert file is not None
    assert producer is not None


def test_rings_that_are_not_there_are_said_to_be_missing(venue: Config) -> None:
    with pytest.raises(UserError, match="found no counters, expected those of a venue that ran"):
        observed.look(venue)
    file = counters(venue)
    text = stat.text_of(observed.look(venue))
    assert text.count("nothing to see: no such file") == 2
    venue.streams.events.path.write_bytes(bytes(100))
    text = stat.text_of(observed.look(venue))
    assert "size: found 100 bytes, expected a header of 256 bytes" in text
    assert file is not None


def test_amounts_of_memory_are_shown_in_the_unit_that_fits() -> None:
    amounts = [0, 1023, 1024, 3 << 19, 1 << 20, 5 << 30]
    shown = ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "1.0 MiB", "5.0 GiB"]
    for amount, words in zip(amounts, shown, strict=True):
        assert show_bytes(amount) == words


def test_readers_over_tcp_are_named_with_those_that_were_too_slow(tmp_path: Path) -> None:
    file = CountersFile.create(tmp_path / "counters-venue.dat", 64)
    publication = TcpPublication(
        -1, "VENUE", window_bytes=4096, queue_bytes=4096, connections_max=2, counters_file=file
    )
    for name, value in (("name", 0x574F4C53), ("lag_bytes", 2048)):
        publication.readers[1].set(name, value)
    for name, value in (("logins", 2), ("slow", 1)):
        publication.readers[1].add(name, value)
    [process] = observed.look_at(observed.counters_in(tmp_path))["processes"]
    kinds = {name: told["kind"] for name, told in process["declared"].items()}
    gauges = ("tcp.oldest", "tcp.readers", *(f"tcp-reader-1.{n}" for n in ("name", "lag_bytes")))
    assert {kinds[name] for name in gauges} == {"gauge"}
    assert {kinds[f"tcp-reader-1.{name}"] for name in ("logins", "slow")} == {"count"}
    [reader] = process["tcp_readers"]
    assert (reader["reader"], reader["slow"]) == ("SLOW", 1)
    assert not any("reader-" in name for name in process["counters"])
    text = stat._process(process, {}, None, everything=False)
    assert "! SLOW was too slow for tcp 1 times and was disconnected" in text
    assert show_bytes(2048) in text


def test_sockets_are_shown_with_their_paths_and_why(tmp_path: Path) -> None:
    file = CountersFile.create(tmp_path / "counters-venue.dat", 8)
    file.add(file.allocate("publisher", Counter("gaps", "gaps")), 1)
    sockets = [
        {"role": "orders", "local": "10.0.0.1", "peer": "", "path": "accelerated", "reason": "yes"},
        {
            "role": "orders",
            "local": "10.0.0.1",
            "peer": "10.9.9.9",
            "path": "kernel",
            "reason": "no",
        },
    ]
    found = {"process_id": os.getpid(), "sockets": sockets}
    (tmp_path / "sockets-venue.json").write_text(json.dumps(found))
    [process] = observed.look_at(observed.counters_in(tmp_path))["processes"]
    assert process["sockets"] == sockets
    lines = stat._process(process, {}, None, everything=False).splitlines()
    assert lines[1].split() == ["socket", "of", "here", "peer", "path", "why"]
    assert lines[3].split() == ["orders", "10.0.0.1", "-", "accelerated", "yes"]
    assert lines[4].split() == ["orders", "10.0.0.1", "10.9.9.9", "kernel", "no"]
    # What another process left under the name says nothing of this one.
    (tmp_path / "sockets-venue.json").write_text(json.dumps(found | {"process_id": 1}))
    [process] = observed.look_at(observed.counters_in(tmp_path))["processes"]
    assert process["sockets"] == []
