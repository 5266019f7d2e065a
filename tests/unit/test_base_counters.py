"""Goal: counters survive their process, reach other processes, and refuse what they cannot hold.

Method: writers and readers on real files in a temporary directory, one of them in a process that is
killed; damaged files are made by overwriting single header fields.
"""

import os
import signal
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ironcore.base.counter_declaration import (
    UNITS,
    Counter,
    Declaration,
    Gauge,
    Maximum,
    Unit,
)
from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import (
    CountersError,
    CountersFile,
    CountersReader,
    CountersVersionError,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "counters-matcher.dat"


def test_reader_sees_what_the_writer_counted(path: Path) -> None:
    file = CountersFile.create(path, 8, process="matcher")
    orders = file.allocate(
        "matcher", Counter("orders", "commands applied to a book", unit="commands")
    )
    depth = file.allocate("matcher", Gauge("depth"))
    file.add(orders, 41)
    file.add(orders)
    file.set(depth, 7)
    reader = CountersReader(path)
    assert reader.snapshot() == {"matcher.orders": 42, "matcher.depth": 7} == file.snapshot()
    assert reader.describe() == {
        "matcher.orders": ("count", "commands", "commands applied to a book"),
        "matcher.depth": ("gauge", "1", ""),
    }
    assert (reader.process, reader.process_id, reader.alive) == ("matcher", os.getpid(), True)
    assert reader.created_real_ns > 1_700_000_000_000_000_000


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", [Counter, Gauge, Maximum])
def test_a_set_of_counters_is_filed_as_it_was_declared(
    path: Path, kind: type[Declaration], unit: Unit
) -> None:
    declared = (Counter("before"), kind("n", "what it is", unit))
    counters = CounterSet("w", declared, CountersFile.create(path, 2))
    assert counters.declared == declared
    assert CountersReader(path).describe() == {
        "w.before": ("count", "1", ""),
        "w.n": (kind.kind, unit, "what it is"),
    }


def test_units_keep_the_places_that_files_hold() -> None:
    """A file of today is read tomorrow: a new unit goes last."""
    held = "1 ns bytes frames messages packets commands events orders connections calls characters"
    assert list(UNITS) == held.split()


def test_a_unit_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="counter 'n': unit 'feet', expected one of 1, ns, bytes"):
        Counter("n", unit="feet")  # type: ignore[arg-type]


def test_a_counter_is_written_only_as_its_kind_is() -> None:
    file = CountersFile.anonymous(8)
    counters = CounterSet("w", (Counter("n"), Gauge("g"), Maximum("m_max")), file)
    counters.add("n", 2)
    counters.set("g", 3)
    with pytest.raises(CountersError, match="counter 'g': found a gauge, expected a count"):
        counters.add("g")
    with pytest.raises(CountersError, match=r"counter 'w\.g': found a gauge, expected a count"):
        file.add(1)
    with pytest.raises(CountersError, match="counter 'n': found a count, expected a gauge"):
        counters.set("n", 9)
    with pytest.raises(CountersError, match=r"counter 'w\.n': found a count, expected a gauge"):
        file.set(0, 9)
    with pytest.raises(CountersError, match="counter 'm_max': found a maximum, expected a gauge"):
        counters.set("m_max", 9)
    assert counters.snapshot() == {"n": 2, "g": 3, "m_max": 0}


@pytest.mark.parametrize("file", [None, CountersFile.anonymous(4)])
def test_a_bare_tuple_declares_no_counter(file: CountersFile | None) -> None:
    with pytest.raises(TypeError, match=r"w: found \('n', 'help'\), expected a Counter, Gauge"):
        CounterSet("w", (("n", "help"),), file)  # type: ignore[arg-type]


def test_counters_of_the_version_without_units_name_their_process(path: Path) -> None:
    file = CountersFile.create(path, 4)
    with path.open("r+b") as written:
        written.seek(8)
        written.write(struct.pack("<I", 1))
    with pytest.raises(CountersVersionError) as refused:
        CountersReader(path)
    assert str(refused.value) == (
        f"{path}: found counters of layout version 1, expected 2: process {os.getpid()} wrote them "
        "with another release of ironpit"
    )
    assert (refused.value.process_id, refused.value.alive) == (os.getpid(), True)
    assert file is not None


def test_reader_follows_later_counts_and_later_counters(path: Path) -> None:
    file = CountersFile.create(path, 8)
    first = file.allocate("a", Counter("x"))
    reader = CountersReader(path)
    assert reader.snapshot() == {"a.x": 0}
    file.add(first, 5)
    file.allocate("a", Counter("y"))
    assert reader.snapshot() == {"a.x": 5, "a.y": 0}


def test_file_is_private_and_leaves_no_temporary_name(path: Path) -> None:
    CountersFile.create(path, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]


def test_counters_of_a_killed_process_are_readable(path: Path) -> None:
    program = (
        "import sys, time; from ironcore.base.counters import CountersFile\n"
        "from ironcore.base.counter_declaration import Counter\n"
        "f = CountersFile.create(sys.argv[1], 4); f.add(f.allocate('w', Counter('n')), 123)\n"
        "print('ready', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            reader = CountersReader(path)
            assert reader.alive
        finally:
            child.send_signal(signal.SIGKILL)
    assert not reader.alive
    assert CountersReader(path).snapshot() == {"w.n": 123}


def test_restarted_process_replaces_the_file_and_old_readers_notice(path: Path) -> None:
    old = CountersFile.create(path, 1)
    old.add(old.allocate("w", Counter("n")), 9)
    reader = CountersReader(path)
    assert not reader.replaced
    CountersFile.create(path, 1)
    assert reader.replaced
    assert reader.snapshot() == {"w.n": 9}
    assert CountersReader(path).snapshot() == {}


def test_writers_never_share_two_cache_lines(path: Path) -> None:
    file = CountersFile.create(path, 64)
    blocks: dict[str, set[int]] = {"a": set(), "b": set()}
    for number in range(20):
        for writer in blocks:
            address = file.pointer(file.allocate(writer, Counter(f"n{number}")))
            assert address % 8 == 0
            blocks[writer].add(address // 128)
    assert blocks["a"].isdisjoint(blocks["b"])
    assert [len(used) for used in blocks.values()] == [2, 2]


def test_every_counter_fits_even_if_each_has_its_own_writer(path: Path) -> None:
    file = CountersFile.create(path, 33)
    for number in range(33):
        file.add(file.allocate(f"w{number}", Counter("n")), number + 1)
    assert sorted(CountersReader(path).snapshot().values()) == list(range(1, 34))
    assert len(file) == 33


def test_values_wrap_at_64_bits() -> None:
    file = CountersFile.anonymous(1)
    index = file.allocate("w", Counter("n"))
    file.add(index, 2**64 - 1)
    file.add(index, 2)
    assert file.value(index) == 1


@pytest.mark.parametrize(
    ("writer", "name", "help", "message"),
    [
        ("w", "taken", "", "counter 'w.taken': found it in the file"),
        ("w", "", "", "name: found '', expected letters"),
        ("a.b", "n", "", "writer: found 'a.b', expected letters"),
        ("w", "n" * 112, "", "114 bytes, expected at most 112"),
        ("w", "n", "é" * 65, "130 bytes, expected at most 128"),
    ],
)
def test_allocation_refuses_what_it_cannot_hold(
    writer: str, name: str, help: str, message: str
) -> None:
    file = CountersFile.anonymous(4)
    file.allocate("w", Counter("taken"))
    with pytest.raises(CountersError, match=message):
        file.allocate(writer, Counter(name, help))
    assert file.snapshot() == {"w.taken": 0}


def test_allocation_stops_at_the_capacity() -> None:
    file = CountersFile.anonymous(1)
    file.allocate("w", Counter("a"))
    with pytest.raises(CountersError, match="found all 1 counters of the file in use"):
        file.allocate("w", Counter("b"))


@pytest.mark.parametrize("index", [-1, 1, 2**31 - 1])
def test_index_out_of_range_is_an_error(index: int) -> None:
    file = CountersFile.anonymous(4)
    file.allocate("w", Counter("a"))
    with pytest.raises(IndexError):
        file.value(index)


@pytest.mark.parametrize("capacity", [0, -1, 65537])
def test_capacity_out_of_range_is_an_error(capacity: int) -> None:
    with pytest.raises(CountersError, match="expected 1 to 65536"):
        CountersFile.anonymous(capacity)


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (0, "<Q", 0, "found another file, expected a counters file"),
        (8, "<I", 3, "counters of layout version 3, expected 2: process [0-9]+ wrote them"),
        (20, "<I", 5, "expected the header's"),
        (128, "<Q", 5, "found 5 counters in use, expected at most 4"),
        (256, "<Q", 1 << 40, "counter 0 is damaged"),
        (256, "<Q", 257, "counter 0 is damaged"),
        (264, "<H", 0, "counter 0 is damaged"),
        (264, "<H", 4, "counter 0 is damaged"),
        (266, "<H", len(UNITS), "counter 0 is damaged"),
        (268, "<H", 113, "counter 0 is damaged"),
    ],
)
def test_reader_refuses_a_damaged_file(
    path: Path, offset: int, layout: str, value: int, message: str
) -> None:
    CountersFile.create(path, 4).allocate("w", Counter("n"))
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack(layout, value))
    with pytest.raises(CountersError, match=message):
        CountersReader(path).snapshot()


def test_reader_refuses_a_short_file(path: Path) -> None:
    path.write_bytes(b"IRONCNT1")
    with pytest.raises(CountersError, match="found 8 bytes, expected a counters file"):
        CountersReader(path)


def test_missing_directory_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        CountersFile.create(tmp_path / "absent" / "c.dat", 1)
    with pytest.raises(FileNotFoundError):
        CountersReader(tmp_path / "absent" / "c.dat")
