"""Goal: a segment file is made whole or not at all, and refused when it is not what it should be.

Method: real files in a temporary directory; damaged ones are made by overwriting single header
fields (offsets from SegmentHeader in mapped_file.pxd), other owners by child processes and by uid.
"""

import os
import re
import resource
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ironcore.ring import broadcast, spsc
from ironcore.ring.mapped_file import SegmentError, SegmentHeldError

DATA_OFFSET = 8192
HUGE = 2 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.ring"


def overwrite(path: Path, offset: int, layout: str, *values: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack(layout, *values))


def field(path: Path, offset: int, layout: str) -> int:
    return int(struct.unpack_from(layout, path.read_bytes(), offset)[0])


def test_segment_is_private_and_leaves_no_temporary_name(path: Path) -> None:
    spsc.create(path, 4096)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]
    assert path.stat().st_size == DATA_OFFSET + 4096


@pytest.mark.parametrize(
    ("asked", "given"),
    [(1, 4096), (4096, 4096), (4097, 8192), (65536, 65536), (100_000, 131_072)],
)
def test_capacity_is_rounded_up_to_a_power_of_two_and_said(
    path: Path, asked: int, given: int
) -> None:
    created = spsc.create(path, asked)
    assert (created.capacity_bytes, created.capacity_bytes_asked) == (given, asked)
    assert spsc.positions(path).capacity_bytes == given
    assert spsc.Producer(path).payload_bytes_max == given // 8


@pytest.mark.parametrize("capacity", [0, -1, (1 << 32) + 1])
def test_capacity_out_of_range_is_refused(path: Path, capacity: int) -> None:
    with pytest.raises(SegmentError, match=r"capacity: found .* bytes, expected 1 to 4294967296"):
        spsc.create(path, capacity)
    assert os.listdir(path.parent) == []


def test_existing_segment_is_never_replaced(path: Path) -> None:
    spsc.create(path, 4096)
    spsc.Producer(path).offer(b"kept")
    with pytest.raises(FileExistsError, match=r"orders\.ring: exists already"):
        spsc.create(path, 4096)
    assert spsc.Consumer(path).poll(1) == [(1, b"kept")]


def test_failed_creation_leaves_nothing(path: Path) -> None:
    with pytest.raises(SegmentError, match=r"huge pages: found not in use: .*less than one huge"):
        spsc.create(path, 4096, huge_pages="require")
    with pytest.raises(SegmentError, match="huge_pages: found 'some', expected one of off, auto"):
        spsc.create(path, 4096, huge_pages="some")
    with pytest.raises(SegmentError, match="sequence_next: found 0, expected at least 1"):
        spsc.create(path, 4096, sequence_next=0)
    assert os.listdir(path.parent) == []


def test_what_a_killed_creator_left_behind_is_removed(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    abandoned = Path(f"{path}.{child.pid}.tmp")
    at_work = Path(f"{path}.1.tmp")
    abandoned.touch()
    at_work.touch()
    spsc.create(path, 4096)
    assert not abandoned.exists()
    assert at_work.exists()


def test_creation_in_a_missing_directory_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spsc.create(tmp_path / "absent" / "x.ring", 4096)
    with pytest.raises(FileNotFoundError):
        spsc.Producer(tmp_path / "x.ring")


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (0, "<Q", 0, r"magic: found 0x0000000000000000, expected 0x474e49524e4f5249"),
        (8, "<I", 7, "layout version: found 7, expected 3: stop the venue"),
        (12, "<I", 9, "kind of ring: found 9, expected spsc"),
        (16, "<Q", 4095, "data offset: found 4095, expected whole pages"),
        (16, "<Q", 1 << 20, "size: found 12288 bytes, expected 1052672 bytes"),
        (24, "<Q", 5000, "capacity: found 5000, expected a power of two"),
        (24, "<Q", 0, "capacity: found 0, expected a power of two"),
        (24, "<Q", 8192, "size: found 12288 bytes, expected 16384 bytes"),
        (256, "<Q", 8, "tail position: found 8, expected a multiple of 16"),
        (384, "<Q", 24, "head position: found 24, expected a multiple of 16"),
        (384, "<Q", 16, "head position: found 16, expected at most one capacity before the tail"),
    ],
)
def test_damaged_header_is_refused_with_what_was_found(
    path: Path, offset: int, layout: str, value: int, message: str
) -> None:
    spsc.create(path, 4096)
    overwrite(path, offset, layout, value)
    with pytest.raises(SegmentError, match=f"^{re.escape(str(path))}: {message}"):
        spsc.Producer(path)


def test_error_carries_path_found_and_expected(path: Path) -> None:
    spsc.create(path, 4096)
    with pytest.raises(SegmentError) as caught:
        broadcast.Producer(path)
    error = caught.value
    assert (error.path, error.found, error.expected) == (str(path), "spsc", "broadcast")


@pytest.mark.parametrize("size", [0, 100, 255, 256, DATA_OFFSET, DATA_OFFSET + 4095])
def test_truncated_segment_is_refused(path: Path, size: int) -> None:
    spsc.create(path, 4096)
    os.truncate(path, size)
    with pytest.raises(SegmentError, match=f"size: found {size} bytes, expected"):
        spsc.Consumer(path)


def test_segment_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spsc.create(path, 4096)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    message = f"owner: found user {owner}, expected user {owner + 1}"
    with pytest.raises(SegmentError, match=message):
        spsc.Producer(path)


def test_directory_and_symbolic_link_are_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        spsc.Producer(path)
    target = path.parent / "real.ring"
    spsc.create(target, 4096)
    link = path.parent / "link.ring"
    link.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        spsc.Producer(link)


def test_second_owner_learns_who_holds_the_place(path: Path) -> None:
    spsc.create(path, 4096)
    producer, consumer = spsc.Producer(path), spsc.Consumer(path)
    with pytest.raises(SegmentHeldError, match=f"producer: found held by process {os.getpid()}"):
        spsc.Producer(path)
    with pytest.raises(SegmentHeldError, match="consumer: found held by process") as caught:
        spsc.Consumer(path)
    assert caught.value.process_id == os.getpid()
    state = spsc.positions(path)
    assert (state.producer.alive, state.consumer.alive) == (True, True)
    del producer
    state = spsc.positions(path)
    assert (state.producer.alive, state.consumer.alive) == (False, True)
    assert state.producer.process_id == os.getpid()
    assert spsc.Producer(path).offer(b"next") == 0
    assert consumer.poll(2) == [(1, b"next")]


def test_owners_are_counted_and_stamped(path: Path) -> None:
    spsc.create(path, 4096)
    assert spsc.positions(path).producer.process_id == 0
    for _ in range(3):
        spsc.Producer(path)
    state = spsc.positions(path).producer
    assert (state.attached_count, state.process_id) == (3, os.getpid())
    assert state.attached_real_ns > 1_700_000_000_000_000_000
    assert state.heartbeat_mono_ns > 0


def mapped_pages(path: Path, offset: int) -> list[str]:
    """The permissions of every mapping here of the file's page at `offset`."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, permissions, start, *rest = line.split()
        low, high = (int(address, 16) for address in addresses.split("-"))
        if rest[-1] == str(path) and 0 <= offset - int(start, 16) < high - low:
            found.append(permissions)
    return sorted(found)


def test_consumers_cannot_write_the_data(path: Path) -> None:
    broadcast.create(path, 4096, {"journal": broadcast.Gating()})
    gating = broadcast.Reader(path, "journal")
    assert (mapped_pages(path, 0), mapped_pages(path, DATA_OFFSET)) == (["rw-s"], ["r--s"])
    lossy = broadcast.LossyReader(path)
    assert mapped_pages(path, 0) == ["r--s", "rw-s"]
    producer = broadcast.Producer(path)
    assert mapped_pages(path, DATA_OFFSET) == ["r--s", "r--s", "rw-s"]
    del gating, lossy, producer
    assert mapped_pages(path, 0) == mapped_pages(path, DATA_OFFSET) == []


def test_huge_pages_say_how_much_or_why_not(path: Path) -> None:
    created = spsc.create(path, 2 * HUGE, huge_pages="auto")
    report = spsc.Producer(path).huge_pages
    if report.startswith("not in use: "):
        assert re.search("neither on hugetlbfs nor on tmpfs|the kernel gave none", report)
    else:
        assert re.fullmatch(rf"\d+ of {2 * HUGE} bytes in huge pages", report)
    assert created.huge_pages == report
    consumer = spsc.Consumer(path)
    assert spsc.positions(path).capacity_bytes == 2 * HUGE
    assert consumer.poll(1) == []


def test_huge_pages_are_off_unless_asked_for(path: Path) -> None:
    assert spsc.create(path, 2 * HUGE).huge_pages == "off"
    assert spsc.Producer(path).huge_pages == "off"
    assert path.stat().st_size == DATA_OFFSET + 2 * HUGE


def test_data_lies_behind_the_header_at_the_stated_offset(path: Path) -> None:
    spsc.create(path, 4096, sequence_next=77)
    assert field(path, 16, "<Q") == DATA_OFFSET
    assert field(path, DATA_OFFSET, "<Q") == 0
    assert field(path, DATA_OFFSET + 8, "<Q") == 77
    spsc.Producer(path).offer(b"abc")
    assert field(path, DATA_OFFSET, "<Q") == 1 << 32 | 3
    assert field(path, DATA_OFFSET + 8, "<Q") == 77
    assert path.read_bytes()[DATA_OFFSET + 16 : DATA_OFFSET + 19] == b"abc"
    assert field(path, DATA_OFFSET + 40, "<Q") == 78


def test_a_segment_that_others_may_write_or_own_is_refused(path: Path) -> None:
    spsc.create(path, 4096)
    path.chmod(0o602)
    with pytest.raises(SegmentError, match="mode: found 0o602, expected a file that nobody but"):
        spsc.positions(path)
    path.chmod(0o600)
    assert spsc.positions(path).capacity_bytes == 4096
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        for look in (spsc.Producer, spsc.Consumer, spsc.positions):
            with pytest.raises(SegmentError, match="owner: found user 12345, expected user 0"):
                look(path)


def test_a_ring_that_is_only_looked_at_has_to_be_the_lookers_own_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broadcast.create(path, 4096, {})
    owner = os.geteuid()
    for user in (0, owner + 1):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        if user != owner:
            for look in (broadcast.LossyReader, broadcast.positions, broadcast.reader_states):
                with pytest.raises(SegmentError, match=f"owner: found user {owner}, expected"):
                    look(path)


def test_locked_memory_is_kept_or_the_refusal_is_said(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    created = spsc.create(path, 1 << 16, lock="auto")
    assert created.locked == "locked in memory"
    consumer = spsc.Consumer(path)
    assert consumer.locked == "locked in memory"
    assert _locked_kib() >= 64
    if os.geteuid() != 0:  # root's memory is locked whatever the limit
        again = path.with_name("again")
        spsc.create(again, 1 << 16, lock="auto")
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (4096, hard))
        try:
            assert spsc.Consumer(again).locked.startswith("not locked: ")
            with pytest.raises(SegmentError, match="expected locked in memory, as required"):
                spsc.create(path.with_name("other"), 1 << 16, lock="require")
        finally:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))
    with pytest.raises(SegmentError, match="lock: found 'yes', expected one of off, auto, req"):
        spsc.create(path.with_name("third"), 1 << 16, lock="yes")


def _locked_kib() -> int:
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmLck:"))
    return int(line.split()[1])


def test_a_memory_node_is_bound_to_where_there_are_several(path: Path) -> None:
    nodes = sorted(Path("/sys/devices/system/node").glob("node[0-9]*"))
    created = spsc.create(path, 1 << 16, numa_node=0)
    if len(nodes) < 2:
        assert created.numa == "not applicable: this host has one node"
    else:
        assert created.numa == "on node 0"
    assert spsc.create(path.with_name("other"), 1 << 16).numa == "off"
    with pytest.raises(SegmentError, match="numa_node: found 1024, expected a node's number"):
        spsc.create(path.with_name("third"), 1 << 16, numa_node=1024)
