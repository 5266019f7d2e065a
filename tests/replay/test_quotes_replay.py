"""Goal: a journal with quotes and protections is replayed to the same events.

Method: a random stream with quotes, in steps, through a core; the journal is written here from what
that core said. One event of it is then changed, which the replay has to notice.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.model import records as r
from tests.model.engine_model import EngineModel
from tests.model.quote_mix import with_quotes
from tests.unit.journal.journal_bytes import write_segment

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.runtime.replay import Replay

LIMITS = r.Limits(orders_max=200, user_ref_bits=14)
FRAME_BYTES_MAX = 1280


def frames_of(command: bytes, events: bytes) -> Iterator[bytes]:
    """A transaction as the matcher publishes it."""
    if not events:
        command = command[:1] + bytes([command[1] | r.LAST]) + command[2:]
    room = (FRAME_BYTES_MAX - len(command)) // r.EVENT.size * r.EVENT.size
    yield command + events[:room]
    most = FRAME_BYTES_MAX // r.EVENT.size * r.EVENT.size
    for first in range(room, len(events), most):
        yield events[first : first + most]


@pytest.fixture(scope="module")
def frames() -> list[bytes]:
    model, core = EngineModel(LIMITS), MatchingEngine(*LIMITS)
    found: list[bytes] = []
    for record in with_quotes(11, 1500, model, step_actions_max=60):
        model.apply(record)
        stamped = bytearray(record)
        statuses, _, events = core.apply_batch(stamped, stamp=True)
        if statuses.tolist() == [r.OK]:
            found += frames_of(bytes(stamped), events.tobytes())
    return found


def test_the_replay_comes_to_the_same_events(tmp_path: Path, frames: list[bytes]) -> None:
    write_segment(tmp_path, list(enumerate(frames, 1)))
    report = Replay(tmp_path).run()
    assert (report.fault, report.sequence) == ("", len(frames))
    kinds = [frame[0] for frame in frames]
    assert {r.QUOTE, r.SET_PROTECTION, r.RESET_PROTECTION} <= set(kinds)


def test_a_quote_that_did_not_leave_is_noticed(tmp_path: Path, frames: list[bytes]) -> None:
    reached = bytes([r.PROTECTION_REACHED])
    changed = list(frames)
    number, at = next(
        (number, at)
        for number, frame in enumerate(frames)
        if frame[0] < r.ACCEPTED
        for at in range(int.from_bytes(frame[2:4], "little"), len(frame), r.EVENT.size)
        if frame[at : at + 1] == reached
    )
    one = bytearray(changed[number])
    one[at + 4] ^= 1
    changed[number] = bytes(one)
    write_segment(tmp_path, list(enumerate(changed, 1)))
    assert Replay(tmp_path).run().fault
