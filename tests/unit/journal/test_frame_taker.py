"""Goal: who reads a journal at a start gets each frame once and in order, from and up to where it
wants; what goes wrong is told; and a start runs no Python for each frame.

Method: journals of a second writer of the format. For the starts: two venues of the test's own
thread, one with ten times as many orders, and the calls and lines of Python that their restarts
take.
"""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.journal.journal_bytes import (
    frames_numbered,
    segment_path,
    write_segment,
)
from tests.venue import HandVenue, Member, write_config

from ironcore.runtime import pipeline
from ironcore.stream.frame_taker import (
    ChosenFrames,
    FrameTaker,
    SourceSequences,
    give_journal,
)
from ironcore.stream.journal_reader import JournalCorruptError, JournalReader
from ironpit.venue import recovery

Frames = list[tuple[int, bytes]]


def gathering(frames: Frames, types: list[int] | None = None) -> ChosenFrames:
    return ChosenFrames(types, lambda sequence, frame: frames.append((sequence, frame)))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    frames = frames_numbered(1, 30)
    for part in (frames[:7], frames[7:20], frames[20:]):
        write_segment(tmp_path, part)
    return tmp_path


@given(st.data())
@settings(max_examples=60)
def test_frames_are_given_from_and_up_to_where_they_are_wanted(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, 40))
    frames = frames_numbered(1, count)
    directory = tmp_path_factory.mktemp("journal")
    cuts = sorted(data.draw(st.sets(st.integers(1, count))) if count else [])
    for first, end in zip([0, *cuts], [*cuts, count], strict=True):
        if end > first:
            write_segment(directory, frames[first:end])
    first = data.draw(st.integers(1, count + 1))
    before = data.draw(st.integers(1, count + 3))
    given_frames: Frames = []
    sequence_next = give_journal(directory, [gathering(given_frames)], first, before)
    assert given_frames == [(n, frame) for n, frame in frames if first <= n < before]
    assert sequence_next == max(first, min(before, count + 1))


def test_all_takers_get_each_frame_before_the_next_one(journal: Path) -> None:
    seen: list[tuple[str, int]] = []

    def named(name: str) -> ChosenFrames:
        return ChosenFrames(None, lambda sequence, frame: seen.append((name, sequence)))

    takers = [named(name) for name in "abcd"]
    give_journal(journal, takers, 1, 4)
    assert seen == [(name, sequence) for sequence in (1, 2, 3) for name in "abcd"]
    with pytest.raises(ValueError, match="takers: found 5, expected 1 to 4"):
        give_journal(journal, [*takers, takers[0]])
    with pytest.raises(ValueError, match="takers: found 0"):
        give_journal(journal, [])


def test_only_chosen_types_come_to_python(journal: Path) -> None:
    frames: Frames = []
    give_journal(journal, [gathering(frames, [3, 9])])
    assert [sequence for sequence, _ in frames] == [2, 8]


def test_what_a_taker_raises_comes_out_and_ends_the_pass(journal: Path) -> None:
    seen: list[int] = []

    def take(sequence: int, frame: bytes) -> None:
        seen.append(sequence)
        if sequence == 5:
            raise LookupError("five")

    with pytest.raises(LookupError, match="five"):
        give_journal(journal, [ChosenFrames(None, take)])
    assert seen == [1, 2, 3, 4, 5]


def test_damage_is_told_after_the_frames_before_it(journal: Path) -> None:
    path = segment_path(journal, 8)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    before: Frames = []
    with pytest.raises(JournalCorruptError) as raised:
        before.extend(JournalReader(journal))
    seen: Frames = []
    with pytest.raises(JournalCorruptError) as told:
        give_journal(journal, [gathering(seen)])
    assert str(told.value) == str(raised.value)
    assert seen[-1][0] == told.value.last_sequence
    assert len(seen) == told.value.last_sequence


def test_progress_is_told_and_may_stop_it(journal: Path) -> None:
    told: list[int] = []

    def progress(sequence: int) -> None:
        told.append(sequence)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_journal(journal, [FrameTaker()], progress=progress)
    assert told == [30]


def lines_of_a_restart(directory: Path, orders: int) -> int:
    """How many calls and lines of Python a restart after so many orders runs."""
    file = write_config(directory)
    venue = HandVenue(file)
    venue.settle()
    member = Member(venue)
    member.login()
    for number in range(1, orders + 1):
        member.enter(number, "B", 10, 1_000_000)
        member.replies()
    config = venue.config
    venue.settle()
    venue.crash()
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    recovery.prepare(config, None, lambda text: None)  # the ring's frames are in the journal now
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert pipeline.last_source_sequences(config.journal.directory) == {1: orders}
        again = HandVenue(file)
    finally:
        sys.settrace(before)
    assert again.matcher.stream_sequence > orders
    again.crash()
    return count


def test_a_restart_runs_no_python_for_each_frame(tmp_path: Path) -> None:
    few, many = (lines_of_a_restart(tmp_path / str(n), n) for n in (20, 200))
    assert few > 100  # it is counted at all
    assert many - few < 60


def test_order_rings_are_told_by_their_numbers(tmp_path: Path) -> None:
    last = SourceSequences()
    for sequence, source, source_sequence in ((1, 0, 0), (2, 3, 7), (3, 1, 2), (4, 3, 9)):
        head = bytes([16, 0]) + bytes(14) + source_sequence.to_bytes(8, "little") + bytes(8)
        last(sequence, head + source.to_bytes(2, "little") + bytes(46))
    events = bytes([128]) + b"\xff" * 79  # goes on with a transaction, and names no source
    last(5, events)
    last(6, bytes([16, 0, 0, 0]))  # too short to name one
    assert last.by_source() == {1: 2, 3: 9}
