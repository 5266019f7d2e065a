"""Goal: the simulation's look at order sources sees each fault that it is for.

Method: frames written by hand, one fault each.
"""

import struct

import pytest

from ironcore.simulation.order_sources import SourceCheck

ENTER_ORDER, ACCEPTED = 16, 128


def frame(source: int, sequence: int, session: int = 0, kind: int = ENTER_ORDER) -> bytes:
    """A command's header; sessions 1 and 3 are at source 1, 2 and 4 at source 2."""
    return struct.pack(
        "<BBHIQQIIHHI", kind, 0, 40, session or source, 0, sequence, 0, 0, source, 0, 0
    )


def faults(*frames: bytes) -> list[str]:
    check = SourceCheck(2, lambda session: 1 + (session - 1) % 2)
    return [check.fault(one) for one in frames]


def test_each_source_has_numbers_of_its_own() -> None:
    venue = frame(0, 0, session=1, kind=2)
    assert faults(venue, frame(1, 1), frame(2, 1), frame(1, 4), venue, frame(2, 2)) == [""] * 6


def test_what_goes_on_with_a_transaction_is_no_command() -> None:
    assert faults(frame(1, 2), frame(1, 1, kind=ACCEPTED)) == ["", ""]


@pytest.mark.parametrize("sequence", [1, 2])
def test_a_command_that_is_there_twice_or_too_late_is_found(sequence: int) -> None:
    assert faults(frame(1, 2), frame(2, 1), frame(1, sequence))[2] == (
        f"command {sequence} of source 1 follows its command 2: it is there twice, or out of order"
    )


def test_a_command_of_anothers_session_is_found() -> None:
    assert faults(frame(1, 1, session=4)) == ["source 1 has a command of session 4, which is at 2"]


def test_a_command_of_no_source_is_found() -> None:
    assert faults(frame(3, 1)) == ["its command is of source 3, and there are 2"]
