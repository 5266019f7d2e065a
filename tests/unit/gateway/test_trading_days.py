"""Goal: the next trading day begins with the orders that stay, or not at all: wherever a roll is
killed, the next start finishes it or begins it again, and the finished day's journal stays as it
was.

Method: a hand-turned venue whose stream is of yesterday, and a start of today. Each call that
changes a directory or makes a file durable is counted, and SIGKILL comes in the place of one.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.model import records as r
from tests.model.options import write_options
from tests.unit.gateway.test_day_end import yesterday
from tests.venue import HandVenue

from ironcore.runtime.replay import Replay
from ironcore.stream.journal_reader import JournalReader
from ironcore.wire.record import decode_frame
from ironpit.common.errors import Exit, UserError
from ironpit.config.calendar import WEEKDAYS, is_trading_day
from ironpit.venue import day_file, definitions, opening, roll
from ironpit.venue import recovery as preparation

PRICE = 1_000_000
TODAY = WEEKDAYS[datetime.now(UTC).weekday()]
CHANGES = ("replace", "fsync", "mkdir", "unlink", "rmdir")
GTC: dict[str, Any] = {"time_in_force": "1"}


def with_calendar(file: Path) -> Path:
    calendar = f"{{trading_days: [{', '.join(WEEKDAYS)}]}}"
    text = file.read_text()
    file.write_text(text.replace("{name: TEST,", f"{{name: TEST, calendar: {calendar},"))
    return file


@pytest.fixture
def finished(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a venue whose yesterday is over, with orders that stay."""
    with monkeypatch.context() as patch:
        yesterday(patch)
        venue = HandVenue(with_calendar(config_file))
        for command in (
            r.enter(1, 1, "B", 100, PRICE, **GTC),
            r.enter(2, 1, "B", 200, PRICE, **GTC),
            r.enter(1, 2, "B", 300, PRICE, **GTC),
            r.enter(2, 2, "B", 400, PRICE),  # for the day
            r.enter(3, 1, "S", 40, PRICE, time_in_force="3"),
        ):
            assert venue.matcher.submit(command)
        venue.settle()
        assert venue.matcher.day_over
        venue.crash()
    return config_file


@pytest.fixture
def config(finished: Path) -> Any:
    from ironpit import config as configs

    return configs.load(finished)


def orders_of(journal: Path) -> list[tuple[int, int, int]]:
    """Session, number and quantity of each order that was entered."""
    frames = [decode_frame(frame)[0] for _, frame in JournalReader(journal)]
    return [
        (c["session"], c["user_ref"], c["quantity"]) for c in frames if c["kind"] == "EnterOrder"
    ]


def put_away(journal: Path) -> Path:
    (found,) = [p for p in journal.iterdir() if p.is_dir()]
    return found


STAY = [(1, 1, 60), (2, 1, 200), (1, 2, 300)]


def test_the_next_start_begins_the_next_day(config: Any) -> None:
    journal, said = config.journal.directory, list[str]()
    before = Replay(journal).run()
    preparation.prepare(config, None, said.append)
    assert orders_of(journal) == STAY
    assert "with 3 orders that stay" in said[-1]
    assert Replay(journal).run().fault == ""
    about = json.loads((journal / "day.json").read_text())
    assert about["before"]["books_digest"] == before.books_digest
    assert about["before"]["sequence"] == before.sequence
    assert about["references"] == {"BTCUSD": PRICE}
    # A start on the day that has begun rolls nothing, and defines nothing anew.
    preparation.prepare(config, None, said.append)
    venue = HandVenue(Path(config.venue.data_directory) / "venue.yaml")
    venue.settle()
    kinds = [decode_frame(frame)[0]["kind"] for _, frame in JournalReader(journal)]
    assert kinds.count("ChangeInstrument") == 1
    assert len(list(journal.glob("*/"))) == 1
    venue.crash()


def kill_at(number: int) -> None:
    """In a process of its own: it ends in the place of the call of this number, from 0."""
    left = iter(range(number, -1, -1))

    def killing(call: Callable[..., Any]) -> Callable[..., Any]:
        def killed(*given: Any, **named: Any) -> Any:
            if next(left, 0) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)

        return killed

    for name in CHANGES:
        setattr(os, name, killing(getattr(os, name)))


def prepare_and_die(config: Any, number: int) -> bool:
    """A start that is killed there; whether it came that far."""
    child = os.fork()
    if child == 0:
        kill_at(number)
        try:
            preparation.prepare(config, None, lambda text: None)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_roll_that_is_killed_anywhere_is_finished_by_the_next_start(
    config: Any, tmp_path: Path
) -> None:
    directory, saved = Path(config.venue.data_directory), tmp_path / "saved"
    journal = config.journal.directory
    shutil.copytree(directory, saved)
    before = Replay(journal).run()
    number = 0
    while prepare_and_die(config, number):
        preparation.prepare(config, None, lambda text: None)
        assert orders_of(journal) == STAY, number
        assert Replay(journal).run().fault == ""
        assert Replay(put_away(journal)).run() == before, number
        assert not (journal / roll.STATE).exists()
        assert not (journal / roll.NEXT).exists()
        shutil.rmtree(directory)
        shutil.copytree(saved, directory)
        number += 1
    assert number > 20  # as many calls were there


def test_a_day_that_is_not_at_its_end_is_brought_there_first(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        yesterday(patch, days=3)
        venue = HandVenue(with_calendar(config_file))
        assert venue.matcher.submit(r.enter(1, 1, "B", 100, PRICE, **GTC))
        venue.turn(venue.journal)
        venue.crash()
    venue = HandVenue(config_file)
    venue.settle()
    assert venue.matcher.day_over, venue.said
    config = venue.config
    venue.crash()
    preparation.prepare(config, None, lambda text: None)
    assert orders_of(config.journal.directory) == [(1, 1, 100)]


def test_orders_of_later_days_stay_and_leave_when_their_time_has_come(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules 5.8 and 13.8."""
    day_s = 86_400
    with monkeypatch.context() as patch:
        yesterday(patch, days=2)
        venue = HandVenue(with_calendar(config_file))
        # Of that day, of the day between, of today's last second, and of tomorrow.
        for number, second in enumerate((day_s - 1, 2 * day_s - 1, 3 * day_s - 1, 4 * day_s), 1):
            options = write_options(expire_time=second)
            order = r.enter(1, number, "B", number, PRICE, time_in_force="6", options=options)
            assert venue.matcher.submit(order)
        venue.settle()
        config = venue.config
        venue.crash()
    preparation.prepare(config, None, lambda text: None)
    journal = config.journal.directory
    assert orders_of(journal) == [(1, 1, 2), (1, 2, 3), (1, 3, 4)]
    frames = [decode_frame(frame) for _, frame in JournalReader(journal)]
    seconds = [f[0]["options"]["expire_second"] for f in frames if f[0]["kind"] == "EnterOrder"]
    assert seconds == [0, day_s - 1, 2 * day_s]
    left = [event for frame in frames for event in frame[1:] if event["kind"] == "Canceled"]
    assert [(event["quantity"], event["reason"]) for event in left] == [(2, "T")]


def test_no_day_begins_when_none_is_to_be_traded(finished: Path) -> None:
    from ironpit import config as configs

    text = finished.read_text()
    others = ", ".join(day for day in WEEKDAYS if day != TODAY)
    finished.write_text(text.replace(", ".join(WEEKDAYS), others))
    config = configs.load(finished)
    preparation.prepare(config, None, lambda text: None)
    assert not [p for p in config.journal.directory.iterdir() if p.is_dir()]
    today = datetime.now(UTC).date()
    assert is_trading_day(today, WEEKDAYS, ())
    assert not is_trading_day(today, WEEKDAYS, (today,))


def changed(finished: Path, old: str, new: str) -> Iterator[str]:
    """What is said when the configuration has changed before the next day."""
    from ironpit import config as configs

    text = finished.read_text()
    assert old in text
    finished.write_text(text.replace(old, new))
    said: list[str] = []
    preparation.prepare(configs.load(finished), None, said.append)
    return iter(said)


def test_orders_that_the_configuration_does_not_know_any_more_are_told(finished: Path) -> None:
    said = changed(finished, "  - {username: BETA1, firm: BETA}\n", "")
    assert "BETA1: has orders that stay, and is not in the configuration" in next(said)


def test_orders_that_do_not_fit_their_instrument_any_more_are_told(finished: Path) -> None:
    said = changed(
        finished,
        'tick_size: "0.01", price_min: "0.01", price_max: "1000.00"',
        'tick_size: "3", price_min: "3", price_max: "999"',
    )
    assert next(said).startswith("BTCUSD: 2 orders of ALFA1 that were to stay do not fit")
    assert next(said).startswith("BTCUSD: 1 orders of BETA1 that were to stay do not fit")
    assert "with 0 orders that stay" in next(said)


def test_what_an_operator_has_ended_stays_so(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        yesterday(patch)
        venue = HandVenue(with_calendar(config_file))
        assert venue.matcher.submit(definitions.retire_instrument(1))
        venue.settle()
        config = venue.config
        venue.crash()
    preparation.prepare(config, None, lambda text: None)
    kinds = [decode_frame(frame)[0] for _, frame in JournalReader(config.journal.directory)]
    ended = [c["instrument"] for c in kinds if c["kind"] == "RetireInstrument"]
    assert ended == [1]
    preparation.prepare(config, None, lambda text: None)


def test_files_that_are_of_no_stream_stay_where_they_are(config: Any) -> None:
    journal = config.journal.directory
    (journal / "notes.txt").write_text("an operator's")
    (journal / "0000000000000001.journal.odd").write_text("evidence")
    preparation.prepare(config, None, lambda text: None)
    assert (journal / "notes.txt").read_text() == "an operator's"
    assert (put_away(journal) / "0000000000000001.journal.odd").read_text() == "evidence"


def test_a_file_in_the_place_of_a_directory_is_told(config: Any) -> None:
    (config.journal.directory / roll.NEXT).write_text("")
    with pytest.raises(UserError, match=r"\.next: Not a directory; the next trading day cannot"):
        preparation.prepare(config, None, lambda text: None)
    (config.journal.directory / roll.NEXT).unlink()
    preparation.prepare(config, None, lambda text: None)
    assert orders_of(config.journal.directory) == STAY


def test_a_day_that_is_cut_within_its_opening_is_refused(config: Any) -> None:
    journal = config.journal.directory
    preparation.prepare(config, None, lambda text: None)
    (segment,) = journal.glob("*.journal")
    frames = [sequence for sequence, frame in JournalReader(journal) if frame[0] == r.ENTER_ORDER]
    data = segment.read_bytes()
    last = data.rindex(b"Q", 0, len(data)) if b"Q" in data else len(data)
    segment.write_bytes(data[: last - 60])
    config.streams.events.path.unlink()
    (journal / "journal.mark").unlink()
    with pytest.raises(UserError, match="found no system event Q, expected the whole opening"):
        preparation.prepare(config, None, lambda text: None)
    # As the message says: the day before is put back, and the day begins anew.
    for file in [p for p in journal.iterdir() if p.is_file() and p.name != "venue.lock"]:
        file.unlink()
    old = put_away(journal)
    for file in list(old.iterdir()):
        file.rename(journal / file.name)
    old.rmdir()
    preparation.prepare(config, None, lambda text: None)
    assert orders_of(journal) == STAY
    assert frames


def test_an_instrument_keeps_its_decimals(finished: Path) -> None:
    with pytest.raises(UserError, match=r"instruments\[0\].price_decimals: found 5, expected 4"):
        changed(finished, "{symbol: BTCUSD,", "{symbol: BTCUSD, price_decimals: 5,")


def test_nothing_is_carried_over_when_the_matcher_had_other_books(config: Any) -> None:
    sequence = Replay(config.journal.directory).run().sequence
    books = config.venue.data_directory / "books.json"
    books.write_text(json.dumps({"stream_sequence": sequence, "books_digest": "0" * 64}))
    with pytest.raises(UserError, match=r"books.json: found books_digest 0+, expected"):
        preparation.prepare(config, None, lambda text: None)
    books.write_text(json.dumps({"stream_sequence": sequence - 1, "books_digest": "0" * 64}))
    preparation.prepare(config, None, lambda text: None)
    assert orders_of(config.journal.directory) == STAY


def test_nothing_is_carried_over_from_a_journal_in_doubt(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Doubtful(Replay):
        def run(self, **given: Any) -> Any:
            return super().run(**given)._replace(fault="frame 7: damaged")

    monkeypatch.setattr(opening, "Replay", Doubtful)
    with pytest.raises(UserError, match="frame 7: damaged; the day cannot be carried over"):
        preparation.prepare(config, None, lambda text: None)
    assert not [p for p in config.journal.directory.iterdir() if p.is_dir()]


DAMAGED = [
    ("roll.json", "{", "Input data was truncated"),
    ("roll.json", "[]", "Expected `object`, got `array`"),
    ("roll.json", '{"schema": "ironpit-roll-1"}', "missing required field `old`"),
    ("roll.json", '{"old": 7}', "Expected `str`, got `int` - at `$.old`"),
    ("roll.json", '{"old": "../../elsewhere"}', "at `$.old`"),
    ("roll.json", '{"old": "2026-12-01/.."}', "at `$.old`"),
    ("roll.json", '{"old": "2026-12-01\\n"}', "at `$.old`"),
    ("roll.json", '{"schema": "ironpit-roll-2", "old": "2026-12-01"}', "at `$.schema`"),
    ("../books.json", "[1, 2]", "Expected `object`, got `array`"),
    ("../books.json", '{"stream_sequence": 1}', "missing required field `books_digest`"),
]


@pytest.mark.parametrize(("name", "text", "found"), DAMAGED)
def test_a_damaged_file_is_named_and_nothing_is_moved(
    config: Any, name: str, text: str, found: str
) -> None:
    path = (config.journal.directory / name).resolve()
    path.write_text(text)
    names = sorted(p.name for p in config.journal.directory.iterdir())
    with pytest.raises(UserError) as refusal:
        preparation.prepare(config, None, lambda text: None)
    assert refusal.value.code == Exit.REFUSED
    assert str(refusal.value).startswith(f"{path}: found ")
    assert found in str(refusal.value)
    assert sorted(p.name for p in config.journal.directory.iterdir()) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\x00\x00", "JSON is malformed"),
        ('{"references": [1]}', "Expected `object`, got `array` - at `$.references`"),
        ('{"references": {"BTCUSD": "x"}}', "Expected `int`, got `str`"),
    ],
)
def test_a_damaged_file_of_the_day_is_named(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / day_file.FILE
    path.write_text(text)
    with pytest.raises(UserError) as refusal:
        day_file.references(tmp_path)
    assert str(refusal.value).startswith(f"{path}: found {found}")
