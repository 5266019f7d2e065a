"""Goal: two venues are compared key by key, defaults filled in, values as a file writes them.

Method: two files that differ in known places.
"""

from pathlib import Path

from tests.unit.config.test_config_load import VALID, VENUES

from ironpit.config import read
from ironpit.config.diff import changes, flatten


def diff(tmp_path: Path, a: str, b: str) -> list[str]:
    (tmp_path / "a.yaml").write_text(a)
    (tmp_path / "b.yaml").write_text(b)
    return [str(c) for c in changes(read(tmp_path / "a.yaml"), read(tmp_path / "b.yaml"))]


def test_a_file_does_not_differ_from_itself(tmp_path: Path) -> None:
    assert diff(tmp_path, VALID, VALID) == []


def test_a_default_that_is_spelled_out_is_no_difference(tmp_path: Path) -> None:
    assert diff(tmp_path, VALID, VALID.replace("26100}", "26100, heartbeat: 1000ms}")) == []


def test_one_key_that_differs_is_one_line_with_both_values(tmp_path: Path) -> None:
    b = VALID.replace("64MiB", "131072KiB")
    assert diff(tmp_path, VALID, b) == ["streams.events.capacity: 64MiB → 128MiB"]


def test_an_entry_of_a_list_is_known_by_its_name_and_not_by_its_place(tmp_path: Path) -> None:
    b = VALID.replace("instruments:", "instruments:\n  - {symbol: AAA}")
    lines = diff(tmp_path, VALID, b)
    assert lines[0] == "instruments: [BTCUSD] → [AAA, BTCUSD]"
    assert all(line.startswith("instruments[AAA].") for line in lines[1:])
    assert "instruments[AAA].tick_size: (absent) → 0.01" in lines


def test_a_band_of_a_tick_table_is_known_by_its_price(tmp_path: Path) -> None:
    b = VALID.replace('"199999.99"', '"199999.99", tick_table: [{from: "1", tick_size: "0.01"}]')
    assert diff(tmp_path, VALID, b) == [
        "instruments[BTCUSD].tick_table: [] → [1.00]",
        "instruments[BTCUSD].tick_table[1.00].from: (absent) → 1.00",
        "instruments[BTCUSD].tick_table[1.00].tick_size: (absent) → 0.01",
    ]


def test_every_value_of_the_shipped_venues_is_shown_in_the_files_own_notation() -> None:
    flat = flatten(read(VENUES / "laptop.yaml"))
    assert flat["journal.interval"] == "10ms"
    assert flat["instruments[BTCUSD].price_max"] == "1000000.00"
    assert flat["instruments[BTCUSD].lot_size"] == "0.0001"
    assert flat["instruments[BTCUSD].quantity_max"] == "10000"
    assert flat["placement.processes.venue.threads[all].cpu"] == "null"
    assert flat["sessions[GAMA1].cancel_on_disconnect"] == "true"
    assert flat["order_entry.listen"] == "127.0.0.1:26100"
