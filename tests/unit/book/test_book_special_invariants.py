"""Goal: section 17 of docs/MATCHING_RULES.md for the rarer orders: each broken invariant is seen.

Method: a sound book of them, of which one field is overwritten in memory.
"""

import pytest
from tests.model import records as r
from tests.model.memory import Memory
from tests.model.rules import rule

from ironcore.engine.matching_engine import MatchingEngine

ICEBERG, HIDDEN, STOP, TRAILING, PEG, TIMED, WAITING = (1 << 12 | n for n in range(1, 8))


@pytest.fixture
def core() -> MatchingEngine:
    limits = r.Limits()
    core = MatchingEngine(*limits)
    for record in (
        r.stream_start(limits),
        r.define_instrument(0, reference=1000),
        r.define_session(1),
        r.enter(1, 1, "B", 50, 1000, options=r.option(5, (10).to_bytes(4, "big"))),
        r.enter(1, 2, "B", 7, 900, display="N", options=r.option(24, b"\0\1")),
        r.enter(1, 3, "S", 5, 500, options=r.option(128, (600).to_bytes(8, "big"))),
        r.enter(
            1,
            4,
            "S",
            5,
            500,
            options=r.option(128, (700).to_bytes(8, "big"))
            + r.option(129, (200).to_bytes(4, "big")),
        ),
        r.enter(1, 5, "B", 5, r.MARKET, display="N", options=r.option(6, b"R")),
        r.enter(
            1,
            6,
            "B",
            5,
            800,
            time_in_force="6",
            options=r.option(15, (100).to_bytes(4, "big")),
        ),
        r.enter(1, 7, "B", 5, 800, cross_type="C"),
    ):
        assert core.apply(record)[0] == r.OK
    core.check_invariants()
    return core


def broken(core: MatchingEngine) -> str:
    with pytest.raises(AssertionError) as caught:
        core.check_invariants()
    return str(caught.value)


@rule("17.4")
@pytest.mark.parametrize(
    ("slot", "field", "value", "sentence"),
    [
        (HIDDEN, "instrument", 1, "an order does not know its instrument"),
        (STOP, "options.named", 0, "a stop rests, or an order sleeps that is none"),
        (HIDDEN, "options.named", 1 << 6, "a stop rests, or an order sleeps that is none"),
        (PEG, "peers.prev", 2, "a peer does not know its neighbour"),
        (TRAILING, "options.named", 1 << 6, "a peg or a trailing stop is not among its peers"),
        (TIMED, "expiry.prev", 2, "an order expires that has another time"),
        (ICEBERG, "options.max_floor", 0, "an iceberg is not displayed"),
    ],
)
def test_a_wrong_field_of_a_rarer_order_is_seen(
    core: MatchingEngine, slot: int, field: str, value: int, sentence: str
) -> None:
    memory = Memory(core)
    memory.u32(memory.special(slot, *field.split("."))).value = value
    assert broken(core) == sentence


@rule("17.4")
def test_an_order_that_lost_its_flag_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u64(memory.order(WAITING, "ref_side")).value &= ~0x100
    assert broken(core) == "an order lacks what its kind needs"


@rule("17.4")
def test_a_miscounted_follower_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.book_field("followers")).value += 1
    assert broken(core) == "a book miscounts what follows its prices"


@rule("17.4", "11.6")
@pytest.mark.parametrize(
    ("field", "value"), [("options.peg_offset", 1), ("options.price_type", 0x50)]
)
def test_a_peg_that_is_displayed_and_may_not_be_is_seen(
    core: MatchingEngine, field: str, value: int
) -> None:
    slot = 1 << 12 | 8
    core.apply(r.enter(1, 8, "B", 5, r.MARKET, options=r.option(6, b"R")))
    core.check_invariants()
    memory = Memory(core)
    memory.u8(memory.special(slot, *field.split("."))).value = value
    assert broken(core) == "a peg is displayed that may not be"


@rule("17.4")
def test_a_miscounted_displayed_peg_is_seen(core: MatchingEngine) -> None:
    core.apply(r.enter(1, 8, "B", 5, r.MARKET, options=r.option(6, b"R")))
    core.check_invariants()
    memory = Memory(core)
    memory.u8(memory.book_field("shown_pegs")).value += 1
    assert broken(core) == "a book miscounts its displayed pegs"


@rule("17.8")
def test_pegs_that_were_parked_for_nothing_are_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u8(memory.book_field("pegs_are_stale")).value = 1
    assert broken(core) == "pegs were parked though what they follow is as it was"


@rule("17.7")
def test_a_session_on_the_wrong_path_is_seen(core: MatchingEngine) -> None:
    """One that may not enter orders would not be asked."""
    memory = Memory(core)
    assert memory.u8(memory.session_field(1, "is_plain")).value == 1
    memory.u8(memory.session_field(1, "entry_disabled")).value = 1
    assert broken(core) == "a session is plain that is not, or the other way round"


@rule("17.5")
def test_a_wrong_best_hidden_price_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    memory.u32(memory.side(0, "hidden_key")).value += 1
    assert broken(core) == "a side does not know its best hidden price"


@rule("17.7")
def test_a_reserve_off_lot_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    for slot in (ICEBERG, HIDDEN, STOP, TRAILING, PEG, TIMED, WAITING):
        memory.u32(memory.order(slot, "quantity")).value = 10
        memory.u64(memory.level(slot, "total")).value = 1 << 42 | 10
    memory.u32(memory.special(ICEBERG, "reserve")).value = 41
    memory.u32(memory.book_field("limits", "lot_size")).value = 10
    assert broken(core) == "an order rests that is not a whole number of lots"


@rule("17.4", "21.1")
@pytest.mark.parametrize(
    ("slot", "value", "sentence"),
    [
        (STOP, 3, "an order is a pair with something that is no order"),
        (STOP, 4, "an order is a pair with one that does not know it"),
    ],
)
def test_a_pair_of_one_is_seen(core: MatchingEngine, slot: int, value: int, sentence: str) -> None:
    memory = Memory(core)
    memory.u32(memory.special(slot, "other")).value = value
    assert broken(core) == sentence


@rule("21.1")
def test_a_pair_without_a_stop_is_seen(core: MatchingEngine) -> None:
    memory = Memory(core)
    for slot, other in ((ICEBERG, 4), (HIDDEN, 2)):
        memory.u32(memory.special(slot, "other")).value = other
    assert broken(core) == "a pair has no stop"
