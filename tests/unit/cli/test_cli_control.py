"""Goal: an operator's command is sequenced once and its outcome told, or it is said why not.

Method: a hand-turned venue on a thread of its own, the entry point called in this one; what was
sequenced is read off the stream.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.venue import HandVenue, Member, write_config

from ironcore.base.counter_set import CounterSet
from ironcore.runtime import pipeline
from ironcore.stage import matcher
from ironcore.wire import record
from ironpit import preparation
from ironpit.cli import main


class TurningVenue:
    """A venue that runs on its own until it is asked to stop."""

    def __init__(self, file: Path, venue: HandVenue | None = None) -> None:
        self.file = file
        self.venue = HandVenue(file) if venue is None else venue
        self.venue.settle()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._turn, daemon=True)
        self._thread.start()

    def _turn(self) -> None:
        while not self._stopped.is_set():
            self.venue.turn()

    def stop(self) -> HandVenue:
        self._stopped.set()
        self._thread.join()
        self.venue.settle()
        return self.venue

    def control(self, *words: str) -> int:
        return main(["control", "-c", str(self.file), *words])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_config(tmp_path / "venue")


@pytest.fixture
def turning(file: Path) -> Iterator[TurningVenue]:
    running = TurningVenue(file)
    yield running
    running.stop()


def stream(venue: HandVenue) -> list[list[dict[str, Any]]]:
    config = venue.config
    frames = pipeline.whole_stream(config.journal.directory, config.streams.events.path)
    return [record.decode_frame(payload) for _, payload in frames]


def sequenced(venue: HandVenue, kind: str) -> list[dict[str, Any]]:
    firsts = [records[0] for records in stream(venue)]
    return [first for first in firsts if first["kind"] == kind]


def test_a_halt_and_what_follows_are_in_the_stream_once(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("halt", "BTCUSD", "--reason", "T1") == 0
    assert capsys.readouterr().out == "BTCUSD: halt: StateChanged\n"
    (command,) = sequenced(turning.stop(), "SetState")
    assert (command["instrument"], command["state"], command["reason"]) == (0, "H", "T1")


def test_all_instruments_can_be_named_at_once(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("halt", "all") == 0
    assert turning.control("--json", "-", "resume", "all", "--force") == 0
    document = json.loads(capsys.readouterr().out.split("\n", 2)[2])
    assert [done["symbol"] for done in document["done"]] == ["BTCUSD", "ETHUSD"]
    assert document["done"][0]["events"][-1]["kind"] == "StateChanged"
    commands = sequenced(turning.stop(), "SetState")
    assert [(c["instrument"], c["state"], c["force"]) for c in commands] == [
        (0, "H", 0),
        (1, "H", 0),
        (0, "T", 1),
        (1, "T", 1),
    ]


def test_what_has_no_effect_is_said_and_leaves_the_stream_as_it_was(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("resume", "BTCUSD") == 1
    assert "resume BTCUSD: no effect: that is how it is already" in capsys.readouterr().err
    assert turning.control("bust", "BTCUSD", "7", "ALFA1:1") == 1
    assert "bust BTCUSD: refused: the engine does not know what" in capsys.readouterr().err
    venue = turning.stop()
    assert not sequenced(venue, "SetState") + sequenced(venue, "BustTrade")
    counters = venue.matcher.counters.snapshot()
    assert (counters["control_ignored"], counters["control_malformed"]) == (1, 1)
    assert (counters["ignored"], counters["malformed"]) == (0, 0)


def test_of_several_those_that_fail_are_named(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("halt", "ETHUSD") == 0
    assert turning.control("halt", "BTCUSD", "ETHUSD") == 1
    said = capsys.readouterr()
    assert "BTCUSD: halt: StateChanged" in said.out
    assert "halt: ETHUSD: no effect" in said.err


def test_a_trade_is_busted_for_both_members(file: Path) -> None:
    venue = HandVenue(file)
    venue.settle()
    alfa, beta = Member(venue), Member(venue, "BETA1")
    for member in (alfa, beta):
        member.login()
    alfa.enter(5, "B", 100, 1_000_000)
    alfa.replies()
    beta.enter(9, "S", 100, 1_000_000)
    beta.replies()
    turning = TurningVenue(file, venue)
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:5", "BETA1:9", "--reason", "C") == 0
    turning.stop()
    assert [m.replies()[-1][:1] for m in (alfa, beta)] == [b"B", b"B"]
    assert alfa.replies()[-1][9:22] == b"\0\0\0\5" + bytes(7) + b"\1C"


def test_the_configurations_changes_and_additions_are_taken_over_while_it_runs(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    text = turning.file.read_text()
    old = '{symbol: BTCUSD, tick_size: "0.01", '
    assert old in text
    changed = text.replace(old, old + "market_protection: 300bp, ")
    changed = changed.replace("sessions:", "  - {symbol: NEWUSD, lot_size: 7}\nsessions:", 1)
    turning.file.write_text(changed)
    assert turning.control("change", "BTCUSD") == 0
    assert turning.control("add-instrument", "NEWUSD") == 0
    assert turning.control("add-instrument", "NEWUSD") == 1
    assert turning.control("retire", "ETHUSD") == 0
    venue = turning.stop()
    assert venue.engine.symbols == ["BTCUSD", "ETHUSD", "NEWUSD"]
    (change,) = sequenced(venue, "ChangeInstrument")
    assert (change["instrument"], change["market_protection_bp"]) == (0, 300)
    assert len(sequenced(venue, "RetireInstrument")) == 1
    venue.crash()
    again = HandVenue(turning.file)
    again.settle()
    assert len(sequenced(again, "DefineInstrument")) == 3
    assert len(sequenced(again, "ChangeInstrument")) == 1
    turning.venue = again


def test_without_a_venue_it_is_said_and_nothing_is_left_behind(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["control", "-c", str(file), "halt", "BTCUSD"]) == 3
    assert "venue TEST is not running: no matcher reads" in capsys.readouterr().err
    venue = HandVenue(file)
    venue.settle()
    venue.crash()
    assert main(["control", "-c", str(file), "halt", "BTCUSD"]) == 3
    assert "venue TEST is not running" in capsys.readouterr().err


def test_a_second_operator_is_told_who_is_there(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    held = pipeline.open_control_producer(preparation.control_ring(turning.venue.config))
    assert turning.control("halt", "BTCUSD") == 3
    assert "producer" in capsys.readouterr().err
    del held
    assert turning.control("halt", "BTCUSD") == 0


def test_a_command_for_a_matcher_that_is_gone_is_not_for_the_next_one(file: Path) -> None:
    venue = HandVenue(file)
    venue.settle()
    ring = preparation.control_ring(venue.config)
    operator = pipeline.open_control_producer(ring)
    del venue.matcher
    assert operator.offer(bytes(40)) == 0
    streams = venue.config.streams
    venue.matcher = matcher.MatcherStage(
        pipeline.open_order_consumer(streams.orders.path),
        pipeline.open_stream_producer(streams.events.path),
        venue.engine,
        CounterSet("matcher", matcher.COUNTERS),
        pipeline.open_control_consumer(ring),
    )
    venue.matcher.poll_once()
    assert venue.matcher.counters.snapshot()["control_malformed"] == 0
    venue.crash()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["halt", "NOPE"], "instruments: found no NOPE, expected one of BTCUSD, ETHUSD"),
        (["bust", "BTCUSD", "1", "NOPE:1"], "NOPE:1: expected USER:REF, a user name out of"),
        (["bust", "BTCUSD", "1", "ALFA1:x"], "ALFA1:x: expected USER:REF"),
        (["bust", "BTCUSD", "1", "ALFA1:1", "BETA1:1", "GAMA1:1"], "found 3 orders, expected one"),
    ],
)
def test_wrong_names_exit_2(
    file: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["control", "-c", str(file), *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["state", "BTCUSD", "open"], ["halt"], ["halt", "BTCUSD", "--reason", "TOOLONG"], []]
)
def test_wrong_words_exit_2(file: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["control", "-c", str(file), *words])
    assert raised.value.code == 2
