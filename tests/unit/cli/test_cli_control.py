"""Goal: an operator's command is sequenced once and its outcome told, or it is said why not.

Method: a hand-turned venue on a thread of its own, the entry point called in this one; what was
sequenced is read off the stream.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.streams import Frames, whole_stream
from tests.venue import HandVenue, Member, write_config

from ironcore.base.counter_set import CounterSet
from ironcore.ring import broadcast
from ironcore.runtime import pipeline
from ironcore.stage import matcher
from ironcore.wire import record
from ironpit.cli import main
from ironpit.common.errors import UserError
from ironpit.operate import control
from ironpit.operate.trades import Trade, TradeSearch
from ironpit.venue import definitions
from ironpit.venue import recovery as preparation
from ironpit.venue.definitions import user_ref_bits


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
    frames = whole_stream(config.journal.directory, config.streams.events.path)
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
    assert (
        "resume BTCUSD: no effect: the stream has it like this already" in capsys.readouterr().err
    )
    assert turning.control("add-instrument", "BTCUSD") == 1
    assert "add-instrument BTCUSD: it is in the venue's stream already" in capsys.readouterr().err
    venue = turning.stop()
    assert not sequenced(venue, "SetState")
    counters = venue.matcher.counters.snapshot()
    assert (counters["control_ignored"], counters["control_malformed"]) == (1, 0)
    assert (counters["ignored"], counters["malformed"]) == (0, 0)


def test_of_several_those_that_fail_are_named(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("halt", "ETHUSD") == 0
    assert turning.control("halt", "BTCUSD", "ETHUSD") == 1
    said = capsys.readouterr()
    assert "BTCUSD: halt: StateChanged" in said.out
    assert "halt: ETHUSD: no effect" in said.err


def after_a_trade(file: Path) -> tuple[HandVenue, list[Member]]:
    """ALFA1:5 and BETA1:9 have traded BTCUSD: match number 1."""
    venue = HandVenue(file)
    venue.settle()
    alfa, beta = Member(venue), Member(venue, "BETA1")
    for member in (alfa, beta):
        member.login()
    alfa.enter(5, "B", 100, 1_000_000)
    alfa.replies()
    beta.enter(9, "S", 100, 1_000_000)
    beta.replies()
    return venue, [alfa, beta]


@pytest.fixture
def traded(file: Path) -> Iterator[tuple[TurningVenue, list[Member]]]:
    venue, members = after_a_trade(file)
    turning = TurningVenue(file, venue)
    yield turning, members
    turning.stop()


def test_a_trade_is_busted_for_both_members(
    traded: tuple[TurningVenue, list[Member]],
) -> None:
    turning, members = traded
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:5", "BETA1:9", "--reason", "C") == 0
    turning.stop()
    assert [m.replies()[-1][:1] for m in members] == [b"B", b"B"]
    assert members[0].replies()[-1][9:22] == b"\0\0\0\5" + bytes(7) + b"\1C"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["BTCUSD", "2", "ALFA1:5", "BETA1:9"], "BTCUSD 2: found no trade of this number in /"),
        (["ETHUSD", "1", "ALFA1:5", "BETA1:9"], "found a trade in BTCUSD, expected one in ETHUSD"),
        (
            ["BTCUSD", "1", "ALFA1:5", "BETA1:8"],
            "found the orders ALFA1:5 and BETA1:9, expected ALFA1:5 and BETA1:8",
        ),
        (["BTCUSD", "1", "BETA1:9", "BETA1:9"], "found the orders ALFA1:5 and BETA1:9, expected"),
    ],
)
def test_what_is_no_such_trade_is_not_busted(
    traded: tuple[TurningVenue, list[Member]],
    words: list[str],
    found: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    turning, _ = traded
    assert turning.control("bust", *words) == 1
    assert found in capsys.readouterr().err
    venue = turning.stop()
    assert not sequenced(venue, "BustTrade")
    assert venue.matcher.counters.snapshot()["control_malformed"] == 0


def test_a_trade_is_busted_once(
    traded: tuple[TurningVenue, list[Member]], capsys: pytest.CaptureFixture[str]
) -> None:
    turning, _ = traded
    assert turning.control("bust", "BTCUSD", "1", "BETA1:9", "ALFA1:5") == 0
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:5", "BETA1:9") == 1
    venue = turning.stop()
    frames = whole_stream(venue.config.journal.directory, venue.config.streams.events.path)
    (at,) = [number for number, p in frames if record.decode_frame(p)[0]["kind"] == "BustTrade"]
    assert f"found it busted before, at sequence number {at}" in capsys.readouterr().err


def test_an_auction_is_not_busted_but_its_trades_are(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venue = HandVenue(file)
    venue.settle()
    alfa, beta = Member(venue), Member(venue, "BETA1")
    for member in (alfa, beta):
        member.login()
    turning = TurningVenue(file, venue)
    assert turning.control("state", "BTCUSD", "quote-only") == 0
    turning.stop()
    for member, side in ((alfa, "B"), (beta, "S")):
        member.enter(1, side, 100, 1_000_000)
        member.replies()
    turning = TurningVenue(file, venue)
    assert turning.control("resume", "BTCUSD") == 0
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:1", "BETA1:1") == 1
    assert "found an auction of this number" in capsys.readouterr().err
    assert turning.control("bust", "BTCUSD", "2", "ALFA1:1", "BETA1:1") == 0
    turning.stop()


def test_a_trade_that_left_the_ring_is_found_in_the_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_config(tmp_path / "venue", events_capacity="64KiB")
    venue, (alfa, _) = after_a_trade(file)
    events = venue.config.streams.events.path
    traded_at = broadcast.read_frames(events)[-1][0]
    numbers = itertools.count(10)
    while broadcast.read_frames(events)[0][0] <= traded_at:
        for number in itertools.islice(numbers, 50):
            alfa.enter(number, "B", 100, 500_000)
        alfa.replies()
    turning = TurningVenue(file, venue)
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:5", "BETA1:8") == 1
    assert "found the orders ALFA1:5 and BETA1:9" in capsys.readouterr().err
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:5", "BETA1:9") == 0
    turning.stop()


def test_of_a_stop_that_was_triggered_the_trade_is_the_stops(file: Path) -> None:
    venue, (alfa, beta) = after_a_trade(file)
    alfa.enter(6, "S", 10, 1_000_100)
    alfa.enter(7, "S", 10, 1_000_200)
    alfa.replies()
    beta.enter(10, "B", 10, 1_000_200, appendage=r.option(128, (1_000_100).to_bytes(8, "big")))
    beta.replies()
    beta.enter(11, "B", 10, 1_000_100)
    beta.replies()
    where = venue.config.journal.directory, venue.config.streams.events.path
    frames = whole_stream(*where)
    bits = user_ref_bits(venue.config)
    trades = [find_trade(frames, number, bits) for number in (2, 3, 4)]
    assert trades[0] == Trade(0, [(1 << bits) + 6, (2 << bits) + 11])
    assert trades[1] == Trade(0, [(1 << bits) + 7, (2 << bits) + 10])
    assert trades[2] is None


def find_trade(frames: Frames, match_number: int, user_ref_bits: int) -> Trade | None:
    search = TradeSearch(match_number, user_ref_bits)
    for sequence, frame in frames:
        search.take(sequence, frame)
    return search.trade


def test_a_trade_is_of_the_instrument_that_the_events_before_it_name() -> None:
    """Several instruments resume with one CLOCK, each with its auction (rule 13.9)."""
    cross, crossed = (r.Event(kind, 0, 0, 0, 1, 0, 2, 100, 5) for kind in (r.CROSS, r.CROSSED))
    other = r.Event(r.INSTRUMENT_NEXT, 0, 0, 0, 0, 0, 0, 0, 3)
    events = [cross._replace(other=1), other, crossed, crossed._replace(slot=6, flags=r.LAST)]
    frame = r.clock(10) + b"".join(r.EVENT.pack(*event) for event in events)
    assert find_trade([(1, frame)], 1, 4) == Trade(r.INSTRUMENT_NONE)
    assert find_trade([(1, frame)], 2, 4) == Trade(3, [5, 6])


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


def in_steps(file: Path) -> HandVenue:
    """A venue in which one order leaves with a step, and three rest in the first instrument."""
    text = file.read_text()
    limit = "user_refs_max: 4096"
    assert limit in text
    file.write_text(text.replace(limit, f"{limit}, step_actions_max: 17"))
    venue = HandVenue(file)
    for number in (1, 2, 3):
        assert venue.matcher.submit(r.enter(1, number, "B", 100, 1_000_000))
    venue.settle()
    return venue


@rule("18.3")
def test_a_retirement_is_told_when_all_orders_have_left(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turning = TurningVenue(file, in_steps(file))
    assert turning.control("retire", "BTCUSD", "ETHUSD") == 0
    told = "BTCUSD: retire: 3 Canceled, InstrumentRetired\nETHUSD: retire: InstrumentRetired\n"
    assert capsys.readouterr().out == told
    turning.stop()


@rule("18.14")
def test_a_state_behind_an_auction_in_steps_is_told_when_it_begins(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turning = TurningVenue(file, in_steps(file))
    assert turning.control("halt", "BTCUSD") == 0
    assert turning.control("resume", "BTCUSD") == 0
    told = "BTCUSD: halt: StateChanged\nBTCUSD: resume: Cross, StateChanged\n"
    assert capsys.readouterr().out == told
    assert sequenced(turning.stop(), "Continue")


def test_a_retirement_that_takes_too_long_is_said_to_go_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = in_steps(file)
    ring = preparation.control_ring(venue.config)

    class Clock:
        now_s = 0.0

        def monotonic(self) -> float:
            return self.now_s

        def sleep(self, _: float) -> None:
            """The matcher takes the command, and makes no further step."""
            self.now_s += 6
            while pipeline.order_ring_positions(ring).used_bytes:
                venue.matcher.poll_once()

    monkeypatch.setattr(control, "time", Clock())
    with control.Control(venue.config) as operator, pytest.raises(UserError, match="still leave"):
        operator.send(definitions.retire_instrument(0))
    assert venue.engine.works_waiting == 1
    venue.crash()


def test_a_change_that_live_orders_prevent_names_the_term_and_both_values(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venue = HandVenue(file)
    assert venue.matcher.submit(enter_buy(venue))
    turning = TurningVenue(file, venue)
    text = file.read_text()
    file.write_text(text.replace('price_min: "0.01"', 'price_min: "0.02"', 1))
    assert turning.control("change", "BTCUSD") == 1
    said = capsys.readouterr().err
    assert "instruments[0].price_min: found 0.02" in said
    assert "expected 0.01" in said
    assert "as long as orders of the instrument are live" in said
    assert turning.control("change", "all") == 1
    assert "instruments[0].price_min: found 0.02" in capsys.readouterr().err
    file.write_text(text)
    turning.stop()


def enter_buy(venue: HandVenue) -> bytes:
    """An order of the first session in the first instrument."""
    assert venue.engine.symbols[0] == "BTCUSD"
    return r.enter(1, 1, "B", 100, 500_000)


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
        (["halt", "NOPE"], "found no NOPE in the venue's stream, expected one of BTCUSD, ETHUSD"),
        (["halt", "BTCUSD", "NOPE"], "found no NOPE in the venue's stream"),
        (["retire", "all"], "found no all in the venue's stream"),
        (["add-instrument", "NOPE"], "instruments: found no NOPE, expected one of BTCUSD, ETHUSD"),
        (
            ["bust", "BTCUSD", "1", "NOPE:1", "ALFA1:1"],
            "NOPE:1: expected USER:REF, a user name out of ALFA1, BETA1, GAMA1 and",
        ),
        (["bust", "BTCUSD", "1", "ALFA1:x"], "ALFA1:x: expected USER:REF"),
        (["bust", "BTCUSD", "1", "ALFA1:1", "BETA1:1", "GAMA1:1"], "found 3 orders, expected the"),
        (["bust", "BTCUSD", "1", "ALFA1:1"], "found 1 orders, expected the two of the trade"),
    ],
)
def test_wrong_names_exit_2_and_nothing_is_done(
    turning: TurningVenue, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control(*words) == 2
    assert message in capsys.readouterr().err
    assert not sequenced(turning.stop(), "SetState")


@pytest.mark.parametrize(
    "words", [["state", "BTCUSD", "open"], ["halt"], ["halt", "BTCUSD", "--reason", "TOOLONG"], []]
)
def test_wrong_words_exit_2(file: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["control", "-c", str(file), *words])
    assert raised.value.code == 2


def test_a_call_ends_by_itself_at_a_second_that_nobody_knows(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("state", "BTCUSD", "closing-auction") == 0
    words = ("--then", "closed", "--no-cancel", "60", "--extension", "300", "--reason", "DAY")
    assert turning.control("end", "BTCUSD", "23:59:00", "23:59:30", *words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "BTCUSD: end: EndSet"
    (command,) = sequenced(turning.stop(), "SetEnd")
    assert (command["second_first"], command["second_last"]) == (86_340, 86_370)
    assert (command["no_cancel_seconds"], command["extension_seconds"]) == (60, 300)
    assert (command["instrument"], command["state"], command["reason"]) == (0, "C", "DAY")


def test_an_end_is_refused_where_there_is_no_call_and_with_times_the_wrong_way_round(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("end", "BTCUSD", "23:59:00", "23:59:30") == 1
    assert "end BTCUSD: no effect" in capsys.readouterr().err
    assert turning.control("end", "BTCUSD", "23:59:30", "23:59:00") == 2
    assert "end: found a FIRST later than LAST" in capsys.readouterr().err
    assert not sequenced(turning.stop(), "SetEnd")
