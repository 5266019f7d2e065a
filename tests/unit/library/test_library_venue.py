"""Goal: a venue in this process does what the core does, whole batches at a time.

Method: rows applied in one call against the same records one at a time, at the edges of chunks and
of the event array; errors by what they say.
"""

import threading
from typing import Any

import numpy as np
import pytest

import ironpit
from ironcore.engine.matching_engine import MatchingEngine, record_offsets
from ironcore.library.command_rows import rows_to_records
from ironpit.flow import generate
from ironpit.flow.markets import interleaved
from ironpit.library import Applied, EventFlag, EventType, Status, Venue, commands
from ironpit.library.flows import rows_of, venue_of


def small() -> Venue:
    venue = Venue(instruments_max=2, sessions_max=2, orders_max=1000, user_ref_bits=16)
    venue.add_instrument("ABC")
    venue.add_session("ONE", firm="F1")
    return venue


def orders(count: int, first: int = 1, **fields: Any) -> Any:
    values = {"session": 1, "instrument": 0, "side": "S", "quantity": 5, "price": 100_00}
    return commands.enter(user_ref=np.arange(first, first + count), **{**values, **fields})


def one_at_a_time(venue: Venue, rows: Any) -> tuple[bytes, list[int], list[int]]:
    """Events, statuses and instruments as the core alone gives them."""
    core: MatchingEngine = venue._core
    records = bytearray(rows_to_records(rows))
    offsets = record_offsets(np.frombuffer(records, np.uint8))
    statuses, _, events = core.apply_batch(np.frombuffer(records, np.uint8), stamp=True)
    instruments = [int.from_bytes(records[at + 28 : at + 32], "little") for at in offsets[:-1]]
    return events.tobytes(), statuses.tolist(), instruments


@pytest.mark.parametrize("count", [0, 1, 4095, 4096, 4097, 10_000])
def test_a_batch_of_rows_does_what_their_records_do(count: int) -> None:
    flow = generate(3, max(count, 100), seed=7)
    rows = rows_of(flow)[:count]
    applied = venue_of(flow).apply(rows)
    events, statuses, instruments = one_at_a_time(venue_of(flow), rows)
    assert applied.events.tobytes() == events
    assert applied.statuses.tolist() == statuses
    assert applied.instruments.tolist() == instruments
    assert len(applied) == count


def test_offsets_part_the_events_by_command() -> None:
    venue = small()
    applied = venue.apply(
        np.concatenate(
            [
                orders(2),
                commands.cancel(session=1, user_ref=99),
                orders(1, 3, side="B", quantity=7),
            ]
        )
    )
    kinds = [[EventType(kind).name for kind in applied.of(index)["type"]] for index in range(4)]
    assert kinds == [
        ["ACCEPTED", "ADDED"],
        ["ACCEPTED", "ADDED"],
        [],
        ["ACCEPTED", "EXECUTED", "EXECUTED"],
    ]
    assert applied.statuses.tolist() == [Status.OK, Status.OK, Status.IGNORED, Status.OK]
    assert applied.commands().tolist() == [0, 0, 1, 1, 3, 3, 3]
    last = (applied.events["flags"] & EventFlag.LAST).astype(bool)
    assert applied.commands()[last].tolist() == [0, 1, 3]
    with pytest.raises(IndexError, match="command 4: expected one of 4"):
        applied.of(4)


def test_a_command_with_more_events_than_there_is_room_for_gets_more() -> None:
    venue = small()
    venue.apply(orders(900))
    before = venue.copy()
    sweep = orders(1, 901, side="B", quantity=900 * 5)
    events = venue.apply(sweep).events
    assert (events["type"] == EventType.EXECUTED).sum() == 900
    rows = np.concatenate([sweep, commands.account_query(session=1)])
    assert len(before.apply(rows).events) == len(events) + 1


def test_a_result_used_again_holds_what_a_new_one_would() -> None:
    flow = generate(2, 3000, seed=3)
    rows = rows_of(flow)
    fresh, again = venue_of(flow), venue_of(flow)
    room: Applied | None = None
    for part in (rows[:2000], rows[2000:2100], rows[2100:]):
        expected = fresh.apply(part)
        room = again.apply(part, into=room)
        assert room.events.tobytes() == expected.events.tobytes()
        assert room.offsets.tolist() == expected.offsets.tolist()
        assert room.statuses.tolist() == expected.statuses.tolist()
        assert room.instruments.tolist() == expected.instruments.tolist()


def test_prefetching_changes_nothing() -> None:
    flow = generate(2, 5000, seed=5)
    found = {venue_of(flow).apply(rows_of(flow), prefetch=way).events.tobytes()
             for way in (True, False, None)}  # fmt: skip
    assert len(found) == 1


def test_looking_ahead_over_many_books_changes_nothing() -> None:
    found = interleaved(1_500, 2, 5000, seed=5)
    rows = rows_of(found.flow)
    spared, looked = (venue_of(found.flow, orders_max=len(rows)) for _ in range(2))
    for part in (rows[: found.opening], rows[found.opening :]):
        expected = spared.apply(part, prefetch=False)
        assert looked.apply(part).events.tobytes() == expected.events.tobytes()
    # Each side of nearly each book has a node: so many that the second part was looked ahead over.
    assert looked._core.counters["price_nodes"] > 2048


def test_rows_that_are_a_view_of_others_are_taken_as_they_read() -> None:
    rows = orders(10)
    events = small().apply(rows[::2]).events
    assert events["slot"][::2].tolist() == [(1 << 16) + ref for ref in (1, 3, 5, 7, 9)]


def test_a_row_of_no_type_is_malformed_and_the_others_go_on() -> None:
    rows = orders(3)
    rows["type"][1] = 99
    assert small().apply(rows).statuses.tolist() == [Status.OK, Status.MALFORMED, Status.OK]


def test_rows_of_another_dtype_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="expected COMMAND_DTYPE"):
        small().apply(np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match="2 dimensions"):
        small().apply(orders(4).reshape(2, 2))


def test_depth_and_orders_are_arrays_best_first() -> None:
    venue = small()
    venue.apply(orders(3, price=np.array([102_00, 101_00, 101_00]), quantity=np.array([1, 2, 3])))
    assert venue.depth(0, "S").tolist() == [(101_00, 2, 5), (102_00, 1, 1)]
    assert venue.depth(0, "S", 1)["quantity"].tolist() == [5]
    assert len(venue.depth(0, "B")) == 0
    assert venue.orders(0, "S")["quantity"].tolist() == [2, 3, 1]
    assert venue.last_price(0) is None
    venue.apply(orders(1, 4, side="B", price=101_00))
    assert venue.last_price(0) == 101_00
    assert venue.user_ref_next(1) == 5
    with pytest.raises(IndexError, match="instrument 1"):
        venue.depth(1, "B")
    with pytest.raises(IndexError, match="session: found 2"):
        venue.user_ref_next(2)


def test_threads_take_turns() -> None:
    venue = small()
    venue.add_session("TWO")
    batches = [orders(400, session=session) for session in (1, 2)]
    threads = [threading.Thread(target=venue.apply, args=(rows,)) for rows in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    venue.check_invariants()
    assert venue.counters["orders_live"] == 800


def test_the_package_hands_out_the_library_by_name() -> None:
    assert ironpit.Venue is Venue
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ironpit.no_such_name


def test_quotes_are_replaced_and_protected() -> None:
    venue = Venue()
    instrument = venue.add_instrument("XYZ")
    maker, taker = venue.add_session(), venue.add_session()
    assert venue.reset_protection(maker, instrument)["type"].tolist() == []
    venue.set_protection(maker, instrument, volume=5, window=1)
    entry = (instrument, 990_000, 10, 1_010_000, 10)
    assert EventType(venue.quote(maker, 1, [entry])["type"][0]) is EventType.QUOTED
    assert len(venue.quote(maker, 2, [entry])) == 0
    row = commands.enter(
        session=taker, user_ref=1, instrument=instrument, side="S", quantity=5, price=990_000
    )
    events = venue.apply(row).events
    assert [EventType(kind).name for kind in events["type"]] == [
        "ACCEPTED", "EXECUTED", "PROTECTION_REACHED", "CANCELED", "CANCELED",
    ]  # fmt: skip
    assert venue.quote(maker, 3, [entry])["reason"].tolist() == [0x92]
    venue.reset_protection(maker, instrument)
    assert len(venue.quote(maker, 5, [entry, (instrument, 0, 0, 0, 0)])) > 5
    assert len(venue.orders(instrument, "B")) == 0


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([], "entries: found 0"),
        ([(0, 1, 1, 1, 1)] * 17, "entries: found 17"),
        ([(0, -2_000_000_000, 1, 1, 1)], "the bid's price"),
        ([(0, 1, 1, 1, 1 << 32)], "the ask's quantity"),
    ],
)
def test_entries_of_a_quote_that_no_venue_takes_are_named(
    entries: list[tuple[int, int, int, int, int]], named: str
) -> None:
    venue = Venue()
    venue.add_instrument("XYZ")
    session = venue.add_session()
    with pytest.raises(ValueError, match=named):
        venue.quote(session, 1, entries)
    with pytest.raises(ValueError, match="volume"):
        venue.set_protection(session, 0, volume=1 << 62)
    with pytest.raises(IndexError):
        venue.set_protection(session, 1)
