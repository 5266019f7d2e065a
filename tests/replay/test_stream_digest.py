"""Goal: the digest of a stream says what was traded and caused, not when it ran: times are masked,
and CLOCKs that caused nothing are left out, with the numbers that they took.

Method: journals written here, byte by byte, from the events of a core of their own: the same
session with and without idle CLOCKs, and with one that causes something.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

from tests.model import records as r
from tests.unit.journal.journal_bytes import write_segment

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.runtime.replay import Replay, ReplayReport

LIMITS = r.Limits(orders_max=64, user_ref_bits=10)
OPENING = [
    r.stream_start(LIMITS),
    r.define_instrument(0, pause_seconds=5),
    r.define_session(1),
    r.define_session(2),
]
TRADE = [r.enter(1, 1, "B", 10, 1000), r.enter(2, 1, "S", 4, 1000)]
LATER = [r.enter(1, 2, "B", 3, 900)]
FLAGS_AT = 1
TIME = slice(8, 16)


def replayed(directory: Path, commands: Sequence[bytes], second_ns: int = 0) -> ReplayReport:
    """The report on a journal of these commands and what they cause, each a `second_ns` later."""
    directory.mkdir()
    core = MatchingEngine(*LIMITS)
    frames = []
    for number, command in enumerate(commands, 1):
        status, events = core.apply(command)[:2]
        assert status == r.OK, command
        stamped = bytearray(command)
        stamped[TIME] = struct.pack("<Q", number * second_ns)
        if not len(events):
            stamped[FLAGS_AT] |= r.LAST
        frames.append((number, bytes(stamped) + events.tobytes()))
    write_segment(directory, frames)
    report = Replay(directory).run()
    assert report.fault == ""
    assert report.sequence == report.commands == len(commands)
    return report


def caused(commands: Sequence[bytes]) -> int:
    """How many events the last of the commands has."""
    core = MatchingEngine(*LIMITS)
    return [len(core.apply(command)[1]) for command in commands][-1]


def test_clocks_that_cause_nothing_are_left_out(tmp_path: Path) -> None:
    idle = [r.clock(60), r.clock(120)]
    bare = replayed(tmp_path / "bare", [*OPENING, *TRADE, *LATER])
    clocked = replayed(tmp_path / "clocked", [*OPENING, *idle, *TRADE, r.clock(180), *LATER])
    assert clocked.sequence == bare.sequence + 3
    assert clocked.trades == bare.trades == 1
    assert clocked.stream_digest == bare.stream_digest


def test_a_clock_that_causes_something_is_part_of_the_digest(tmp_path: Path) -> None:
    paused = [*OPENING, r.set_state(0, "P")]
    clocked, other = [*paused, r.clock(60)], [*paused, r.clock(61)]
    assert caused(clocked) == caused(other) > 0
    digests = {
        replayed(tmp_path / name, commands).stream_digest
        for name, commands in (("paused", paused), ("clocked", clocked), ("other", other))
    }
    # And which second it was makes a difference.
    assert len(digests) == 3


def test_when_it_ran_makes_no_difference_and_what_it_did_does(tmp_path: Path) -> None:
    commands = [*OPENING, *TRADE]
    digests = {
        replayed(tmp_path / f"{second_ns}", commands, second_ns).stream_digest
        for second_ns in (0, 1, 10**9)
    }
    assert len(digests) == 1
    assert replayed(tmp_path / "more", [*commands, *LATER]).stream_digest not in digests
