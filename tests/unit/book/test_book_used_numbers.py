"""Goal: a mass cancel finds every live order wherever its UserRefNum is, and does not look at all
numbers that were ever used.

Method: sessions whose numbers have gaps and whose orders leave in different ways, in the core and
in the model; of the core, how many blocks of numbers it keeps, and that the check sees a list of
them that was broken on purpose.
"""

import pytest
from tests.model import records as r
from tests.model.memory import Memory
from tests.model.rules import rule
from tests.model.subject import Subject

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.library.venue import VenueCore

BITS = 16
LIMITS = r.Limits(user_ref_bits=BITS)
BLOCK = 64


def blocks(core: MatchingEngine, session: int) -> list[int]:
    """The first number of each block in which a mass cancel would look."""
    memory = Memory(core)
    first = block = session << BITS >> 6
    found = []
    while block:
        found.append((block - first) * BLOCK)
        block = memory.u32(memory.block_next + 4 * block).value
    return found


def enter(venue: Subject, user_ref: int, rests: bool = True) -> None:
    venue.ok(r.enter(1, user_ref, "B", 10, 1000, time_in_force="0" if rests else "3"))


def cancelled(venue: Subject, session: int = 1) -> list[int]:
    *events, response = venue.ok(r.mass_cancel(session))
    assert response.quantity == len(events)
    return [event.slot & (1 << BITS) - 1 for event in events]


@rule("8.1", "8.2", "3.1")
@pytest.mark.parametrize("bits", [1, 3, 5, 6, 7])
def test_orders_are_found_with_few_numbers_a_session(kind: str, bits: int) -> None:
    venue = Subject(kind, r.Limits(orders_max=300, user_ref_bits=bits)).open()
    numbers = range(1, 1 << bits)
    for session in (1, 2):
        for user_ref in numbers:
            venue.ok(r.enter(session, user_ref, "B", 10, 1000))
    assert len(venue.ok(r.short(r.CANCEL_SESSION, 1))) == len(numbers)
    assert len(venue.ok(r.mass_cancel(2))) == len(numbers) + 1


@rule("8.1")
def test_orders_are_found_behind_gaps_and_among_those_that_left(kind: str) -> None:
    venue = Subject(kind, LIMITS).open()
    live = [1, 63, 64, 640, 700, 1 << 12, (1 << 12) + 1, (1 << BITS) - 1]
    used = sorted({*live, *range(2, 4000, 37)})
    for user_ref in used:
        enter(venue, user_ref, rests=user_ref in live)
    assert cancelled(venue) == live
    assert cancelled(venue) == []


@rule("8.1", "7.3")
def test_a_replacement_in_a_later_block_is_found_and_an_invalid_one_enters_none(kind: str) -> None:
    venue = Subject(kind, LIMITS).open()
    enter(venue, 1)
    enter(venue, 2)
    venue.ok(r.replace(1, 1, 1000, 10, 900))
    # Invalid: its number is not consumed, and those below it may still be used.
    venue.ok(r.replace(1, 2, 5000, 10, 1))
    enter(venue, 2000)
    venue.ok(r.replace(1, 2000, 3000, 10, 1000, display="N"))
    assert cancelled(venue) == [1000, 3000]


@rule("16.1")
def test_blocks_that_have_become_empty_are_not_kept() -> None:
    venue = Subject("core", LIMITS).open()
    assert venue.core is not None
    enter(venue, 1)
    enter(venue, 100)
    for user_ref in range(101, 60 * BLOCK):
        enter(venue, user_ref, rests=False)
    kept = blocks(venue.core, 1)
    assert kept[:2] == [0, BLOCK]
    assert kept[-1] == 59 * BLOCK
    assert len(kept) <= 4
    venue.ok(r.cancel(1, 100))
    assert cancelled(venue) == [1]
    assert blocks(venue.core, 1) == [0, 59 * BLOCK]


@rule("16.1")
def test_a_session_keeps_about_as_many_blocks_as_have_orders() -> None:
    venue = Subject("core", LIMITS).open()
    assert venue.core is not None
    longest = 0
    for number in range(1, 600):
        enter(venue, BLOCK * number)
        if number > 20:
            venue.ok(r.cancel(1, BLOCK * (number - 20)))
        longest = max(longest, len(blocks(venue.core, 1)))
    assert 20 <= longest <= 3 * 20


@rule("8.1")
def test_a_loaded_core_finds_the_same_orders() -> None:
    core = VenueCore(*LIMITS)
    numbers = [*range(1, 1000, 90), 30_000]
    opening = [r.stream_start(LIMITS), r.define_instrument(0), r.define_session(1)]
    for record in [*opening, *(r.enter(1, number, "B", 10, 1000) for number in numbers)]:
        assert core.apply(record)[0] == r.OK
    loaded = VenueCore.load(core.save())
    loaded.check_invariants()
    assert loaded.digest() == core.digest()
    everything = r.mass_cancel(1)
    assert loaded.apply(everything)[1].tobytes() == core.apply(everything)[1].tobytes()
    assert core.counters["orders_live"] == 0


@rule("17.4")
@pytest.mark.parametrize(
    ("field", "change", "sentence"),
    [
        ("user_ref_end", 1, "a session does not know the end of its numbers' block"),
        ("sweep", 1, "a session's numbers are swept where none were used"),
        ("block_next", 1, "a session's numbers are not in order"),
        ("block_next", 2, "a live order's number is passed over"),
    ],
)
def test_a_broken_list_of_numbers_is_seen(field: str, change: int, sentence: str) -> None:
    venue = Subject("core", LIMITS).open()
    assert venue.core is not None
    for user_ref in (1, BLOCK, 3 * BLOCK):
        enter(venue, user_ref)
    memory = Memory(venue.core)
    first = 1 << BITS >> 6
    if field != "block_next":
        memory.u32(memory.session_field(1, field)).value += change
    elif change == 1:
        memory.u32(memory.block_next + 4 * (first + 1)).value = first + 1
    else:
        memory.u32(memory.block_next + 4 * first).value = first + 3
    with pytest.raises(AssertionError, match=sentence):
        venue.core.check_invariants()
