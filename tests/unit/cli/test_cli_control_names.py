"""Goal: an operator's names are those of the venue's stream, whatever the file says by now.

Method: a hand-turned venue on a thread of its own whose file is edited while it runs; what was
sequenced is read off the stream.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.cli.test_cli_control import TurningVenue, after_a_trade, sequenced
from tests.venue import HandVenue, write_config

from ironpit.cli import main
from ironpit.operate import control

ETHUSD = (
    '  - {symbol: ETHUSD, tick_size: "0.05", lot_size: 10, price_min: "0.05", '
    'price_max: "1000.00"}\n'
)
BTCUSD = '  - {symbol: BTCUSD, tick_size: "0.01", price_min: "0.01", price_max: "1000.00"}\n'


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.fixture
def turning(tmp_path: Path) -> Iterator[TurningVenue]:
    running = TurningVenue(write_config(tmp_path / "venue"))
    yield running
    running.stop()


def test_halt_all_halts_what_left_the_file(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(turning.file, ETHUSD, "")
    assert turning.control("halt", "all") == 0
    assert "ETHUSD: halt: StateChanged" in capsys.readouterr().out
    commands = sequenced(turning.stop(), "SetState")
    assert [(c["instrument"], c["state"]) for c in commands] == [(0, "H"), (1, "H")]


def test_an_instrument_keeps_its_number_when_one_before_it_left_the_file(
    turning: TurningVenue,
) -> None:
    edit(turning.file, BTCUSD, "")
    assert turning.control("halt", "ETHUSD") == 0
    assert turning.control("state", "BTCUSD", "quote-only") == 0
    edit(turning.file, 'lot_size: 10, price_min: "0.05"', 'lot_size: 20, price_min: "0.05"')
    assert turning.control("change", "ETHUSD") == 0
    assert turning.control("retire", "BTCUSD") == 0
    venue = turning.stop()
    commands = sequenced(venue, "SetState")
    assert [(c["instrument"], c["state"]) for c in commands] == [(1, "H"), (0, "Q")]
    (change,) = sequenced(venue, "ChangeInstrument")
    assert (change["instrument"], change["symbol"], change["lot_size"]) == (1, "ETHUSD", 20)
    (retired,) = sequenced(venue, "RetireInstrument")
    assert retired["instrument"] == 0


def test_what_the_file_has_and_the_stream_has_not_is_said(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(turning.file, "sessions:", "  - {symbol: NEWUSD}\nsessions:")
    assert turning.control("halt", "NEWUSD") == 2
    assert (
        f"found no NEWUSD in the venue's stream ({turning.file}: instruments[2] was added after "
        "the start: `add-instrument NEWUSD` defines it), expected one of BTCUSD, ETHUSD"
    ) in capsys.readouterr().err
    assert turning.control("halt", "all") == 0
    commands = sequenced(turning.stop(), "SetState")
    assert [c["instrument"] for c in commands] == [0, 1]


def test_several_instruments_are_added_in_one_go(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(turning.file, "sessions:", "  - {symbol: NEWA}\n  - {symbol: NEWB}\nsessions:")
    assert turning.control("add-instrument", "NEWB") == 1
    assert "found it at instruments[3], expected it at instruments[2]" in capsys.readouterr().err
    assert turning.control("add-instrument", "NEWA", "NEWB") == 0
    assert turning.stop().engine.symbols == ["BTCUSD", "ETHUSD", "NEWA", "NEWB"]


def test_change_needs_what_the_file_says(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(turning.file, ETHUSD, "")
    assert turning.control("change", "ETHUSD") == 2
    assert "instruments: found no ETHUSD, which is in the venue's stream" in capsys.readouterr().err


def test_retired_instruments_are_none_of_all(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert turning.control("retire", "BTCUSD") == 0
    assert turning.control("halt", "all") == 0
    assert turning.control("halt", "BTCUSD") == 1
    assert "halt BTCUSD: it is retired in the venue's stream" in capsys.readouterr().err
    assert turning.control("retire", "ETHUSD") == 0
    assert turning.control("halt", "all") == 1
    assert "halt all: the venue's stream has no live instrument" in capsys.readouterr().err
    commands = sequenced(turning.stop(), "SetState")
    assert [c["instrument"] for c in commands] == [1]


def test_of_all_those_that_fail_are_named_and_the_others_halted(
    turning: TurningVenue, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(turning.file, ETHUSD, "")
    assert turning.control("halt", "BTCUSD") == 0
    assert turning.control("halt", "all") == 1
    said = capsys.readouterr()
    assert "ETHUSD: halt: StateChanged" in said.out
    assert "halt: BTCUSD: no effect" in said.err
    commands = sequenced(turning.stop(), "SetState")
    assert [c["instrument"] for c in commands] == [0, 1]


def test_a_trade_is_busted_though_instrument_and_member_left_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_config(tmp_path / "venue")
    venue, _ = after_a_trade(file)
    turning = TurningVenue(file, venue)
    edit(file, BTCUSD, "")
    edit(file, "  - {username: ALFA1, firm: ALFA}\n", "")
    edit(file, "user_refs_max: 4096", "user_refs_max: 1024")
    assert turning.control("bust", "ETHUSD", "1", "ALFA1:5", "BETA1:9") == 1
    assert "found a trade in BTCUSD, expected one in ETHUSD" in capsys.readouterr().err
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:5", "BETA1:8") == 1
    assert "found the orders ALFA1:5 and BETA1:9" in capsys.readouterr().err
    assert turning.control("bust", "BTCUSD", "1", "ALFA1:5", "BETA1:9") == 0
    (bust,) = sequenced(turning.stop(), "BustTrade")
    assert bust["instrument"] == 0


def test_all_are_also_those_that_a_starting_venue_defines_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_config(tmp_path / "venue")
    venue = HandVenue(file, defined=False)
    assert main(["control", "-c", str(file), "halt", "all"]) == 3
    assert "found no start of the stream, expected the venue to have started" in (
        capsys.readouterr().err
    )
    missing = venue.definitions.missing(venue.config)
    for command in missing[:2]:  # the start, and BTCUSD
        assert venue.matcher.submit(command)
    rest = iter(missing[2:])

    class Clock:
        monotonic = staticmethod(time.monotonic)
        time_ns = staticmethod(time.time_ns)

        @staticmethod
        def sleep(_: float) -> None:
            for command in rest:
                assert venue.matcher.submit(command)
            venue.settle()

    monkeypatch.setattr(control, "time", Clock)
    assert main(["control", "-c", str(file), "halt", "all"]) == 0
    assert [c["instrument"] for c in sequenced(venue, "SetState")] == [0, 1]
    venue.crash()
