"""Goal: one table has what a stream defines, as it stands now, whoever reads it.

Method: definitions written with the records of the model, in the order of a stream and out of it.
"""

import pytest
from tests.model import records as r

from ironcore.stream.facts import Facts

LIMITS = r.Limits()
START = r.stream_start(LIMITS)


def marked(record: bytes) -> bytes:
    """As a frame of the stream that has no events."""
    return record[:1] + bytes([record[1] | r.LAST]) + record[2:]


def facts(*commands: bytes) -> Facts:
    found = Facts()
    for command in commands:
        found.take(marked(command))
    return found


def test_nothing_is_defined_before_the_stream_begins() -> None:
    found = Facts()
    assert found.start is None
    assert (found.instruments, found.sessions, found.retired) == ({}, {}, set())


def test_definitions_are_kept_by_their_numbers() -> None:
    commands = [START, r.define_instrument(0), r.define_instrument(1), r.define_session(1)]
    found = facts(*commands)
    assert found.start == marked(START)
    assert found.instruments == {0: marked(commands[1]), 1: marked(commands[2])}
    assert found.sessions == {1: marked(commands[3])}


def test_a_change_takes_the_place_of_a_definition_but_for_symbol_and_first_state() -> None:
    first = r.define_instrument(0, lot=1, initial_state="H")
    change = r.define_instrument(0, lot=10, record_type=r.CHANGE_INSTRUMENT)
    renamed = change.replace(b"SYM0    ", b"OTHER   ")
    expected = r.define_instrument(0, lot=10, initial_state="H", record_type=r.CHANGE_INSTRUMENT)
    assert facts(START, first, renamed).instruments == {0: marked(expected)}


def test_a_retired_instrument_stays_and_is_marked() -> None:
    found = facts(START, r.define_instrument(0), r.define_instrument(1), r.retire_instrument(1))
    assert set(found.instruments) == {0, 1}
    assert found.retired == {1}


def test_frames_that_define_nothing_change_nothing() -> None:
    found = facts(START, r.define_session(1))
    found.take(r.enter(1, 1, "B", 10, 1000) + r.EVENT.pack(r.ACCEPTED, r.LAST, *[0] * 7))
    found.take(r.EVENT.pack(r.ADDED, r.LAST, *[0] * 7))
    assert found.sessions == {1: marked(r.define_session(1))}
    assert found.instruments == {}


WRONG = {
    "another version of the records": r.stream_start(LIMITS, version=r.RECORD_VERSION - 1),
    "a change of what is not there": r.define_instrument(3, record_type=r.CHANGE_INSTRUMENT),
    "the end of what is not there": r.retire_instrument(3),
    "an instrument beyond every number": r.define_instrument(1 << 16),
    "a session beyond every number": r.define_session(1 << 16),
    "a definition that is cut": r.define_session(1)[:40],
}


@pytest.mark.parametrize("command", WRONG.values(), ids=WRONG)
def test_a_definition_that_is_none_is_refused(command: bytes) -> None:
    found = facts(START)
    with pytest.raises(ValueError, match="malformed, or out of place"):
        found.take(marked(command))
    assert (found.instruments, found.sessions, found.retired) == ({}, {}, set())
