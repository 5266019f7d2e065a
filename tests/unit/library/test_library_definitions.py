"""Goal: a venue is defined and changed as it is asked, and says by name what it cannot do.

Method: good definitions by what the core then holds, each bad argument by the sentence that it gets
and by the state, which stays; threads that all read the next id before any of them may go on.
"""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ironpit.library import EventType, InstrumentState, OrderPlace, Venue, VenueError, commands
from ironpit.library.definitions import TERMS

LIMITS = {"instruments_max": 3, "sessions_max": 2, "orders_max": 1000, "user_ref_bits": 16}
TABLE = [(10_000, 1000), (1_000_000, 10_000)]


def small(**settings: Any) -> Venue:
    venue = Venue(**LIMITS)
    venue.add_instrument("ABC", **settings)
    venue.add_session("ONE", firm="F1")
    return venue


def order(user_ref: int = 1, **fields: Any) -> Any:
    values = {"session": 1, "instrument": 0, "side": "S", "quantity": 5, "price": 100_00}
    return commands.enter(user_ref=user_ref, **{**values, **fields})


@pytest.mark.parametrize(
    ("limits", "error", "said"),
    [
        ({"orders_max": 1.5}, TypeError, "orders_max: found 1.5, expected an integer"),
        ({"orders_max": True}, TypeError, "orders_max: found True, expected an integer"),
        ({"orders_max": 0}, ValueError, "orders_max: found 0, expected 1 to 4194303"),
        ({"orders_max": 1 << 40}, ValueError, "orders_max: found 1099511627776"),
        ({"instruments_max": 65_536}, ValueError, "instruments_max: found 65536"),
        ({"sessions_max": "2"}, TypeError, "sessions_max: found '2'"),
        ({"user_ref_bits": 32}, ValueError, "user_ref_bits: found 32, expected 1 to 30"),
        ({"sessions_max": 4096}, ValueError, "sessions_max, user_ref_bits: found 4096, 20"),
    ],
)
def test_a_limit_is_named(limits: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Venue(**limits)


def test_numpys_integers_are_integers() -> None:
    limits: Any = {name: np.int64(value) for name, value in LIMITS.items()}
    venue = Venue(**limits)
    assert venue.limits == LIMITS


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"symbol": "ABC"}, VenueError, "symbol: found 'ABC', which instrument 0 has already"),
        ({"symbol": "NINECHARS"}, ValueError, "symbol: found 'NINECHARS', expected 1 to 8"),
        ({"symbol": ""}, ValueError, "symbol: found ''"),
        ({"symbol": "A B"}, ValueError, "symbol: found 'A B', expected no spaces"),
        ({"initial_state": -1}, ValueError, "initial_state: found -1, expected one of 'C'"),
        ({"tick_table": None}, TypeError, "tick_table: found None, expected pairs"),
        ({"tick_table": "abc"}, TypeError, "tick_table: found 'abc', expected pairs"),
        ({"symbol": 7}, TypeError, "symbol: found 7, expected a str"),
        ({"lot_size": 0}, ValueError, "lot_size: found 0, expected 1"),
        ({"lot_size": 2.0}, TypeError, "lot_size: found 2.0, expected an integer"),
        ({"price_max": 2_000_000_000}, ValueError, "price_max: found 2000000000"),
        ({"pause_seconds": 1 << 16}, ValueError, "pause_seconds: found 65536"),
        (
            {"auction_collar_bp": 1},
            ValueError,
            "auction_extensions_max: found 0.*auction_collar_bp",
        ),
        ({"initial_state": "Z"}, ValueError, "initial_state: found 'Z', expected one of 'C'"),
        ({"initial_state": "R"}, ValueError, "initial_state: found 'R'"),
        ({"collar_bp": 5}, TypeError, "collar_bp: found an unknown argument, expected one of all"),
        ({"tick_table": [(1, 2)] * 24}, ValueError, "found 24 bands, expected at most 23"),
        ({"tick_table": [100]}, TypeError, "tick_table: found 100, expected a pair"),
        ({"tick_table": [(100, 0)]}, ValueError, "tick_table: found 0, expected 1"),
        (
            {"price_min": 200, "price_max": 100},
            VenueError,
            "price_min: found 200, expected at most price_max, 100",
        ),
        (
            {"lot_size": 10, "quantity_max": 9},
            VenueError,
            "quantity_max: found 9, expected at least lot_size, 10",
        ),
        (
            {"tick_size": 100, "price_min": 110, "price_max": 190},
            VenueError,
            "tick_size: found 100, expected one with a multiple between price_min, 110, and",
        ),
        (
            {"tick_table": [(1000, 200), (1000, 300)]},
            VenueError,
            r"tick_table\[1\]: found a band from 1000 on, expected one that begins above 1000",
        ),
        (
            {"tick_table": [(1000, 200), (900, 300)]},
            VenueError,
            r"tick_table\[1\]: found a band from 900 on, expected one that begins above 1000",
        ),
        (
            {"tick_table": [(1100, 200)]},
            VenueError,
            r"tick_table\[0\]: .* that begins at a multiple of the tick size 200",
        ),
        (
            {"reference_price": 50, "price_min": 100},
            VenueError,
            "reference_price: found 50, expected 0 or a price between 100 and",
        ),
        (
            {"reference_price": 1300, "tick_table": [(1000, 200)]},
            VenueError,
            "reference_price: found 1300, expected 0 or a multiple of the tick size 200",
        ),
    ],
)
def test_a_bad_instrument_is_refused_by_name(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    venue = small()
    digest = venue.digest()
    with pytest.raises(error, match=said):
        venue.add_instrument(**{"symbol": "DEF", **arguments})
    assert venue.digest() == digest
    assert venue.add_instrument("DEF") == 1


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"name": "S" * 17}, ValueError, "name: found 'S{17}', expected 0 to 16"),
        ({"firm": "NINECHARS"}, ValueError, "firm: found 'NINECHARS', expected 0 to 8"),
        ({"stp_mode": "X"}, ValueError, "stp_mode: found 'X', expected one of 'N'"),
        ({"stp_group": -1}, ValueError, "stp_group: found -1"),
    ],
)
def test_a_bad_session_is_refused_by_name(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    venue = small()
    with pytest.raises(error, match=said):
        venue.add_session(**arguments)
    assert venue.sessions_count == 1


def test_no_more_than_the_limits_are_defined() -> None:
    venue = small()
    assert [venue.add_instrument(name) for name in ("DEF", "GHI")] == [1, 2]
    with pytest.raises(VenueError, match="instruments_max: found 4, expected at most 3"):
        venue.add_instrument("JKL")
    assert venue.add_session() == 2
    with pytest.raises(VenueError, match="sessions_max: found 3, expected at most 2"):
        venue.add_session()
    assert venue.symbols == ["ABC", "DEF", "GHI"]


def test_the_symbol_of_a_retired_instrument_may_be_given_again() -> None:
    venue = small()
    venue.apply(commands.retire(instrument=0))
    assert venue.state(0) == InstrumentState.RETIRED
    assert venue.add_instrument("ABC") == 1


class CountedLock:
    """A lock that says when a thread has come to it."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        self.arrived.release()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


@pytest.mark.parametrize(
    ("define", "expected"),
    [
        (lambda venue, number: venue.add_instrument(f"S{number}"), list(range(8))),
        (lambda venue, _: venue.add_session(), list(range(1, 9))),
    ],
)
def test_threads_that_define_at_once_get_ids_of_their_own(
    define: Callable[[Venue, int], int], expected: list[int]
) -> None:
    venue = Venue(instruments_max=8, sessions_max=8, orders_max=10, user_ref_bits=8)
    lock = CountedLock()
    venue._lock = lock  # type: ignore[assignment]
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda number=number: found.append(define(venue, number)))
        for number in range(8)
    ]
    with lock.lock:
        for thread in threads:
            thread.start()
        for _ in threads:
            assert lock.arrived.acquire(timeout=60)
    for thread in threads:
        thread.join()
    assert sorted(found) == expected


def test_an_instrument_is_changed_in_what_is_given_and_in_nothing_else() -> None:
    venue = small(tick_table=TABLE, lot_size=5, quantity_max=500, static_collar_bp=100)
    venue.apply(order())
    before = venue.terms(0)
    assert before["tick_table"] == TABLE
    (event,) = venue.change_instrument(0, quantity_max=50, dynamic_collar_bp=30)
    assert event["type"] == EventType.INSTRUMENT_CHANGED
    assert venue.terms(0) == {**before, "quantity_max": 50, "dynamic_collar_bp": 30}
    refused = venue.apply(order(2, quantity=55)).events
    assert refused["type"].tolist() == [EventType.REJECTED]


def test_every_term_stays_that_is_not_changed() -> None:
    integers = [name for name in TERMS if not name.startswith("price")]
    given = dict.fromkeys(integers, 7) | {"post_only_mode": 1, "allocation": 1, "tick_size": 100}
    given |= {"reference_price": 50_00, "quantity_max": 70}
    venue = small(tick_table=TABLE, **given)
    before = venue.terms(0)
    assert set(before) == {*TERMS, "tick_table"}
    assert {name: before[name] for name in given} == given
    venue.change_instrument(0, quantity_max=700)
    assert venue.terms(0) == {**before, "quantity_max": 700}


def test_the_most_stops_and_minimum_quantities_stay_through_a_change() -> None:
    venue = small(followers_max=2, min_quantity_max=1)
    venue.change_instrument(0, quantity_max=700)
    stops = [order(number, stop_price=90_00) for number in (1, 2, 3)]
    minimums = [order(number, display="N", min_quantity=2) for number in (4, 5)]
    applied = venue.apply(np.concatenate([*stops, *minimums]))
    refused = [applied.of(index)["type"][0] == EventType.REJECTED for index in range(5)]
    assert refused == [False, False, True, False, True]


def test_what_orders_rest_on_is_changed_only_without_them() -> None:
    venue = small()
    venue.apply(order())
    digest = venue.digest()
    with pytest.raises(VenueError, match="tick_size: found 1000, expected 100 as it is, because"):
        venue.change_instrument(0, tick_size=1000)
    assert venue.digest() == digest
    venue.apply(commands.cancel(session=1, user_ref=1))
    venue.change_instrument(0, tick_size=1000, tick_table=TABLE[1:])
    assert venue.terms(0)["tick_size"] == 1000
    assert venue.terms(0)["tick_table"] == TABLE[1:]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lot_size": 5}, "lot_size: found 5, expected 1 as it is"),
        ({"price_min": 200}, "price_min: found 200, expected 100 as it is"),
        ({"price_max": 20_000}, "price_max: found 20000, expected 1999999900 as it is"),
        ({"tick_table": TABLE}, r"tick_table: found \[\(10000, 1000\), .* expected \[\] as it is"),
        ({"price_max": 50}, "price_min: found 100, expected at most price_max, 50"),
    ],
)
def test_a_refused_change_names_its_field_and_no_other(changed: dict[str, Any], said: str) -> None:
    venue = small()
    venue.apply(order())
    with pytest.raises(VenueError, match=said) as refused:
        venue.change_instrument(0, quantity_max=100, **changed)
    assert "quantity_max" not in str(refused.value)


def test_a_slot_of_a_session_that_is_not_defined_is_named() -> None:
    venue = small()
    venue.apply(order())
    venue.apply(order(2, side="B"))
    with pytest.raises(VenueError, match=r"slots: found \[196609, 0\], expected those of sessions"):
        venue.bust_trade(0, 1, [3 << 16 | 1])


class CountingCore:
    """A core that counts how often all its symbols are asked for."""

    def __init__(self, core: Any) -> None:
        self.core, self.asked = core, 0

    def __getattr__(self, name: str) -> Any:
        self.asked += name == "symbols"
        return getattr(self.core, name)


def test_a_new_instrument_does_not_look_at_all_the_others() -> None:
    venue = Venue(instruments_max=200)
    counting = CountingCore(venue.core)
    venue._core = counting  # type: ignore[assignment]
    assert [venue.add_instrument(f"S{number}") for number in range(200)] == list(range(200))
    assert counting.asked == 0


def test_a_copy_knows_the_symbols_that_are_taken() -> None:
    venue = small()
    venue.add_instrument("DEF")
    venue.apply(commands.retire(instrument=0))
    other = venue.copy()
    with pytest.raises(VenueError, match="symbol: found 'DEF', which instrument 1 has already"):
        other.add_instrument("DEF")
    assert other.add_instrument("ABC") == 2
    with pytest.raises(VenueError, match="symbol: found 'ABC', which instrument 2 has already"):
        other.add_instrument("ABC")


def test_a_change_leaves_the_reference_price_unless_it_is_given() -> None:
    venue = small(reference_price=50_00)
    venue.change_instrument(0, quantity_max=10)
    assert venue.terms(0)["reference_price"] == 50_00
    venue.change_instrument(0, reference_price=60_00)
    assert venue.terms(0)["reference_price"] == 60_00


def test_a_change_that_cannot_be_is_refused_by_name() -> None:
    venue = small()
    with pytest.raises(IndexError, match="instrument 1: expected one of 1 from 0"):
        venue.change_instrument(1, quantity_max=5)
    with pytest.raises(TypeError, match="symbol: found an unknown argument"):
        venue.change_instrument(0, symbol="DEF")
    with pytest.raises(ValueError, match="quantity_max: found 0"):
        venue.change_instrument(0, quantity_max=0)
    venue.apply(commands.retire(instrument=0))
    with pytest.raises(VenueError, match="instrument: found 0, which is retired"):
        venue.change_instrument(0, quantity_max=5)


def test_a_trade_is_broken_for_each_order_that_is_named() -> None:
    venue = small()
    venue.apply(order())
    events = venue.apply(order(2, side="B")).events
    (executed,) = events[events["type"] == EventType.EXECUTED]
    slots = [int(executed["slot"]), 1 << 16 | 2]
    digest = venue.digest()
    broken = venue.bust_trade(0, int(executed["other"]), slots, reason="C")
    assert broken["type"].tolist() == [EventType.BROKEN] * 2
    assert broken["slot"].tolist() == slots
    assert broken["other"].tolist() == [executed["other"]] * 2
    assert broken["reason"].tolist() == [ord("C")] * 2
    assert len(venue.bust_trade(0, 1, slots[:1])) == 1
    assert venue.digest() == digest


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((0, 99, [1 << 16 | 1]), VenueError, "match_number: found 99, expected at most 0"),
        ((0, 0, [1]), ValueError, "match_number: found 0"),
        ((0, 1, []), ValueError, "slots: found 0 of them, expected 1 or 2"),
        ((0, 1, [0, 1]), ValueError, "slots: found 0, expected 1 to"),
        ((5, 1, [1]), IndexError, "instrument 5: expected one of 1 from 0"),
    ],
)
def test_a_trade_that_was_not_is_not_broken(
    arguments: tuple[Any, ...], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        small().bust_trade(*arguments)


def test_every_live_order_is_listed_with_where_it_waits() -> None:
    venue = small()
    venue.add_session()
    venue.apply(
        np.concatenate(
            [
                order(1, price=101_00),
                order(2, display="N", price=102_00),
                order(3, stop_price=90_00, price=89_00),
                order(4, cross_type="C", price=99_00),
                order(5, cross_type="C", price=0x7FFFFFFF),
                order(6, side="B", price=80_00),
                order(7, price_type="M", display="N", price=95_00),
                commands.cancel(session=1, user_ref=6),
                order(1, session=2, price=101_00),
            ]
        )
    )
    found = venue.orders(0, "S")
    refs = [(OrderPlace(row["place"]).name, int(row["slot"]) & 0xFFFF) for row in found]
    assert refs == [
        ("SHOWN", 1), ("SHOWN", 1), ("HIDDEN", 2), ("STOPS", 3), ("WAITING", 4),
        ("WAITING_MARKET", 5), ("PARKED", 7),
    ]  # fmt: skip
    assert len(found) == venue.counters["orders_live"]
    assert venue.orders(0, "S", session=2)["slot"].tolist() == [2 << 16 | 1]
    assert len(venue.orders(0, "S", session=1)) == 6
    assert venue.depth(0, "S")["quantity"].tolist() == [10]
    for session in (0, 3, 99):
        with pytest.raises(IndexError, match=f"session: found {session}, expected 1 to 2"):
            venue.orders(0, "S", session=session)
        with pytest.raises(IndexError, match=f"session: found {session}, expected 1 to 2"):
            venue.user_ref_next(session)


def test_questions_name_the_argument_that_is_wrong() -> None:
    venue = small()
    with pytest.raises(TypeError, match=r"instrument: found 0\.5"):
        venue.depth(0.5, "B")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="levels_max: found -1"):
        venue.depth(0, "B", -1)
    with pytest.raises(ValueError, match="side: found 'BUY', expected 'B' or 'S'"):
        venue.depth(0, "BUY")  # type: ignore[arg-type]
    with pytest.raises(IndexError, match="instrument 7: expected one of 1 from 0"):
        venue.state(7)
    with pytest.raises(TypeError, match="rows: found a masked array"):
        venue.apply(np.ma.array(order(), mask=True))
    with pytest.raises(TypeError, match="prefetch: found 'yes', expected True or False"):
        venue.apply(order(), prefetch="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="tick_table: found None, expected pairs"):
        venue.change_instrument(0, tick_table=None)
    with pytest.raises(TypeError, match="into: found list"):
        venue.apply(order(), into=[])  # type: ignore[arg-type]


def test_a_state_and_its_reason_are_checked_before_the_core_sees_them() -> None:
    venue = small()
    with pytest.raises(ValueError, match="state: found 'HALT', expected one of 'C'"):
        venue.set_state(0, "HALT")
    with pytest.raises(ValueError, match="reason: found 'LUDP1', expected 0 to 4"):
        venue.set_state(0, "H", reason="LUDP1")
    with pytest.raises(ValueError, match="state: found -1, expected one of 'C'"):
        venue.set_state(0, -1)  # type: ignore[arg-type]
    with pytest.raises(IndexError, match="instrument 9: expected one of 1 from 0"):
        venue.set_state(9, "T")
    for force in ("no", [True, False]):
        with pytest.raises(TypeError, match=r"force: found .* expected True or False"):
            venue.set_state(0, "H", force=force)  # type: ignore[arg-type]
    venue.set_state(0, InstrumentState.PAUSED)
    assert venue.state(0) == InstrumentState.PAUSED
    venue.set_state(0, "H", reason="T1")
    assert venue.state(0) == InstrumentState.HALTED
    assert len(venue.set_state(0, "H")) == 0


def test_a_change_to_an_auction_collar_without_extensions_is_refused() -> None:
    venue = small()
    with pytest.raises(ValueError, match="auction_extensions_max: found 0"):
        venue.change_instrument(0, auction_collar_bp=100)
    venue.change_instrument(0, auction_collar_bp=100, auction_extensions_max=1)
    with pytest.raises(ValueError, match="auction_extensions_max: found 0"):
        venue.change_instrument(0, auction_extensions_max=0)
    assert venue.terms(0)["auction_extensions_max"] == 1


@pytest.mark.parametrize("second", [[], [5, 86_400], 1.5])
def test_a_clock_tells_one_second(second: Any) -> None:
    with pytest.raises(TypeError, match=r"second: found .* expected an integer"):
        small().clock(second)


def test_a_clock_ends_at_midnight() -> None:
    with pytest.raises(ValueError, match="second: found 86400, expected 0 to 86399"):
        small().clock(86_400)
    assert len(small().clock(86_399)) == 0


def test_an_instrument_begins_in_a_state_named_either_way() -> None:
    for state in ("H", InstrumentState.HALTED, ord("H")):
        assert small(initial_state=state).state(0) == InstrumentState.HALTED


def test_a_call_ends_by_itself_and_its_orders_cannot_be_cancelled() -> None:
    venue = Venue(instruments_max=1, sessions_max=1, orders_max=8, user_ref_bits=8)
    instrument = venue.add_instrument("XYZ", initial_state="O", pause_random_seconds=7)
    assert venue.terms(instrument)["pause_random_seconds"] == 7
    session = venue.add_session("A")
    order = commands.enter(
        session=session, user_ref=1, instrument=0, side="B", quantity=1, price=100
    )
    venue.apply(order)
    venue.clock(60)
    (end,) = venue.set_end(instrument, 70, 80, no_cancel=10, extension=5, state="T")
    assert (end["type"], end["order_ref"], end["quantity"]) == (154, 80 << 32 | 70, 10)
    (refused,) = venue.apply(commands.cancel(session=session, user_ref=1)).events
    assert (refused["type"], refused["slot"]) == (155, 1 << 8 | 1)
    assert venue.clock(80, draw=1)["type"].tolist() == [146, 148]
    assert venue.set_end(instrument, 90, 95).size == 0
    for last in (89, 86_400):
        with pytest.raises(ValueError, match="last: found"):
            venue.set_end(instrument, 90, last)
    with pytest.raises(ValueError, match="draw: found 65536"):
        venue.clock(81, draw=65_536)
