"""Goal: sections 6 and 7 of docs/MATCHING_RULES.md: cancelling, modifying and replacing orders.

Method: a few resting orders in the core and in the model; events and priorities are written out.
"""

import pytest
from tests.model import records as r
from tests.model.rules import rule
from tests.model.subject import Subject, kinds


def partly_executed(venue: Subject, quantity: int = 100, executed: int = 30) -> int:
    """Order 1 of session 1: a buy at 1000, some of it executed; its reference."""
    reference = venue.rest(1, 1, "B", quantity, 1000)
    venue.ok(r.enter(2, 1, "S", executed, 1000))
    return reference


@rule("6.1", "15.1")
@pytest.mark.parametrize("total", [0, 1, 30])
def test_a_total_at_or_below_what_is_executed_cancels_the_rest(venue: Subject, total: int) -> None:
    reference = partly_executed(venue)
    assert venue.one(r.cancel(1, 1, total)) == (
        r.CANCELED,
        r.VISIBLE | r.LAST,
        ord("U"),
        ord("B"),
        70,
        reference,
        0,
        1000,
        venue.slot(1, 1),
    )
    venue.ignored(r.cancel(1, 1, 0))


@rule("6.1")
def test_a_partial_cancel_keeps_the_priority(venue: Subject) -> None:
    partly_executed(venue)
    venue.rest(1, 2, "B", 10, 1000)
    event = venue.one(r.cancel(1, 1, 40, reason="S"))
    assert (event.reason, event.quantity, event.other) == (ord("S"), 60, 10)
    executions = venue.ok(r.enter(2, 2, "S", 15, 1000))[1:]
    assert [(e.slot, e.quantity) for e in executions] == [
        (venue.slot(1, 1), 10),
        (venue.slot(1, 2), 5),
    ]


@rule("6.2")
def test_a_superfluous_cancel_is_ignored(venue: Subject) -> None:
    partly_executed(venue)
    venue.ignored(r.cancel(1, 1, 100))
    venue.ignored(r.cancel(1, 1, 101))
    venue.ignored(r.cancel(2, 1, 0))
    venue.ignored(r.cancel(1, 2, 0))
    venue.ignored(r.cancel(1, 0, 0))
    venue.ignored(r.cancel(1, 1 << venue.limits.user_ref_bits, 0))
    venue.ignored(r.cancel(1, 0xFFFFFFFF, 0))
    assert venue.one(r.cancel(1, 1, 99)).quantity == 1


@rule("6.3")
def test_a_new_total_off_lot_is_ignored(venue: Subject) -> None:
    venue.ok(r.enter(1, 1, "B", 100, 1000, instrument=1))
    venue.ignored(r.cancel(1, 1, 55))
    venue.ignored(r.modify(1, 1, 55, "B"))
    assert venue.one(r.cancel(1, 1, 50)).other == 50


@rule("6.4", "15.1")
def test_a_modification_makes_smaller_and_keeps_the_priority(venue: Subject) -> None:
    reference = venue.rest(1, 1, "S", 100, 1000)
    venue.rest(1, 2, "S", 10, 1000)
    venue.ok(r.enter(2, 1, "B", 30, 1000))
    assert venue.one(r.modify(1, 1, 40, "E")) == (
        r.MODIFIED,
        r.VISIBLE | r.SELL | r.LAST,
        0,
        ord("E"),
        10,
        reference,
        60,
        1000,
        venue.slot(1, 1),
    )
    execution = venue.ok(r.enter(2, 2, "B", 1, 1000))[1]
    assert (execution.order_ref, execution.side) == (reference, ord("E"))


@rule("6.4")
def test_a_modification_may_change_the_kind_of_sell_alone(venue: Subject) -> None:
    venue.rest(1, 1, "S", 100, 1000)
    event = venue.one(r.modify(1, 1, 100, "T"))
    assert (event.side, event.quantity, event.other) == (ord("T"), 100, 0)


@rule("6.5")
def test_a_modification_without_effect_or_right_is_ignored(venue: Subject) -> None:
    venue.rest(1, 1, "B", 100, 1000)
    venue.rest(1, 2, "S", 100, 1100)
    for record in (
        r.modify(1, 1, 100, "B"),
        r.modify(1, 1, 101, "B"),
        r.modify(1, 1, 50, "S"),
        r.modify(1, 1, 50, "X"),
        r.modify(1, 2, 101, "T"),
        r.modify(1, 2, 50, "B"),
        r.modify(1, 2, 0, "X"),
        r.modify(2, 1, 50, "B"),
        r.modify(1, 3, 50, "B"),
    ):
        venue.ignored(record)


@rule("6.6")
@pytest.mark.parametrize("total", [0, 30])
def test_a_modification_to_what_is_executed_is_a_cancel(venue: Subject, total: int) -> None:
    partly_executed(venue)
    event = venue.one(r.modify(1, 1, total, "B"))
    assert (event.type, event.reason, event.quantity, event.other) == (
        r.CANCELED,
        ord("U"),
        70,
        0,
    )


@rule("7.1")
def test_a_replacement_of_a_dead_order_or_with_a_used_number_is_ignored(venue: Subject) -> None:
    venue.rest(1, 5, "B", 10, 1000)
    venue.ignored(r.replace(1, 5, 5, 10, 1100))
    venue.ignored(r.replace(1, 5, 4, 10, 1100))
    venue.ignored(r.replace(1, 4, 6, 10, 1100))
    venue.ignored(r.replace(2, 5, 6, 10, 1100))
    venue.ignored(r.replace(1, 0xFFFFFFFF, 6, 10, 1100))
    assert venue.one(r.short(r.ACCOUNT_QUERY, 1)).quantity == 6


@rule("7.2")
def test_while_order_entry_is_disabled_the_old_order_stays(venue: Subject) -> None:
    venue.rest(1, 1, "B", 10, 1000)
    venue.ok(r.short(r.DISABLE_ORDER_ENTRY, 1))
    assert venue.reason(r.replace(1, 1, 2, 10, 1100)) == 0x02
    venue.ok(r.short(r.ENABLE_ORDER_ENTRY, 1))
    venue.ignored(r.replace(1, 1, 2, 10, 1100))
    assert venue.one(r.replace(1, 1, 3, 10, 1100)).type == r.REPLACED


@rule("7.3")
@pytest.mark.parametrize(
    "record",
    [
        r.replace(1, 1, 2, 0, 1000),
        r.replace(1, 1, 2, 15, 1000),
        r.replace(1, 1, 2, 1_000_000, 1000),
        r.replace(1, 1, 2, 100, 1001),
        r.replace(1, 1, 2, 100, 2100),
        r.replace(1, 1, 2, 100, -1),
        r.replace(1, 1, 2, 100, 1100, time_in_force="6"),
        r.replace(1, 1, 2, 100, 1100, display="Z"),
        r.replace(1, 1, 2, 100, 1100, options=r.option(12, b"X")),
        r.replace(1, 1, 2, 100, 1100, options=r.option(27, b"S")),
        r.replace(1, 1, 2, 100, 1100, options=r.option(27, b"X")),
    ],
)
def test_invalid_details_cancel_the_old_order_and_consume_nothing(
    venue: Subject, record: bytes
) -> None:
    venue.ok(r.enter(1, 1, "B", 100, 1000, instrument=1))
    event = venue.one(record)
    assert (event.type, event.reason, event.quantity) == (r.CANCELED, ord("U"), 100)
    assert event.slot == venue.slot(1, 1)
    assert venue.one(r.short(r.ACCOUNT_QUERY, 1)).quantity == 2


@rule("7.4")
def test_the_quantity_of_a_replacement_counts_what_the_chain_has_executed(venue: Subject) -> None:
    partly_executed(venue)
    assert venue.one(r.replace(1, 1, 2, 50, 1000)).quantity == 20
    venue.ok(r.enter(2, 2, "S", 5, 1000))
    assert venue.one(r.replace(1, 2, 3, 60, 1000)).quantity == 25
    event = venue.one(r.replace(1, 3, 4, 35, 1000))
    assert (event.type, event.slot, event.quantity) == (r.CANCELED, venue.slot(1, 3), 25)
    assert venue.one(r.short(r.ACCOUNT_QUERY, 1)).quantity == 4


@rule("7.5", "7.6", "15.1")
def test_a_replacement_that_rests_is_one_event_and_loses_its_priority(venue: Subject) -> None:
    old = venue.rest(1, 1, "B", 10, 1000)
    venue.rest(1, 2, "B", 10, 1000)
    assert venue.one(r.replace(1, 1, 3, 10, 1000)) == (
        r.REPLACED,
        r.VISIBLE | r.LAST,
        ord("L"),
        ord("B"),
        10,
        3,
        old,
        1000,
        venue.slot(1, 3),
    )
    venue.ignored(r.cancel(1, 1))
    executions = venue.ok(r.enter(2, 1, "S", 20, 1000))[1:]
    assert [event.slot for event in executions] == [venue.slot(1, 2), venue.slot(1, 3)]


@rule("7.10")
def test_a_replacement_says_what_was_open_before(venue: Subject) -> None:
    venue.ok(r.enter(1, 1, "B", 100, 1000, options=r.option(5, (10).to_bytes(4, "big"))))
    venue.ok(r.enter(2, 1, "S", 5, 1000))
    asked = r.replace(1, 1, 2, 90, 1000)
    claimed = asked[: r.OPEN_BEFORE_AT] + b"\xff" * 4 + asked[r.OPEN_BEFORE_AT + 4 :]
    assert venue.open_before(claimed) == 95  # what rests and its reserve
    assert venue.open_before(r.replace(1, 2, 3, 0, 1000)) == 85  # cancelled: an invalid quantity
    assert venue.open_before(r.replace(1, 2, 4, 90, 1000)) == 0  # ignored: there is none


@rule("7.5")
def test_a_replacement_may_change_the_kind_of_sell(venue: Subject) -> None:
    venue.rest(1, 1, "S", 10, 1000)
    event = venue.one(r.replace(1, 1, 2, 10, 1100, options=r.option(27, b"T")))
    assert (event.type, event.side) == (r.REPLACED, ord("T"))
    event = venue.one(r.replace(1, 2, 3, 10, 1000))
    assert (event.type, event.side) == (r.REPLACED, ord("T"))


@rule("7.7")
def test_a_replacement_that_trades_leaves_the_book_first(venue: Subject) -> None:
    venue.rest(1, 1, "B", 10, 1000)
    venue.rest(2, 1, "S", 4, 1100)
    replaced, execution, added = venue.ok(r.replace(1, 1, 2, 10, 1200))
    assert (replaced.type, replaced.flags) == (r.REPLACED, r.VISIBLE | r.CROSSES)
    assert (execution.type, execution.quantity, execution.price) == (r.EXECUTED, 4, 1100)
    assert (added.type, added.quantity, added.order_ref) == (r.ADDED, 6, replaced.order_ref)
    assert venue.one(r.cancel(1, 2, 9)).quantity == 1


@rule("7.7")
@pytest.mark.parametrize(("price", "time_in_force"), [(900, "3"), (r.MARKET, "0")])
def test_a_replacement_that_may_not_rest_is_cancelled_at_once(
    venue: Subject, price: int, time_in_force: str
) -> None:
    venue.rest(1, 1, "B", 10, 1000)
    replaced, cancelled = venue.ok(r.replace(1, 1, 2, 10, price, time_in_force=time_in_force))
    assert replaced.flags == r.VISIBLE | r.CROSSES
    assert cancelled[:3] == (r.CANCELED, r.LAST, ord("I"))
    assert (cancelled.order_ref, cancelled.slot) == (replaced.order_ref, venue.slot(1, 2))


@rule("7.7")
def test_a_replacement_that_is_executed_in_full_ends_with_the_execution(venue: Subject) -> None:
    venue.rest(1, 1, "B", 10, 1000)
    venue.rest(2, 1, "S", 10, 1100)
    assert kinds(venue.ok(r.replace(1, 1, 2, 10, 1100))) == [r.REPLACED, r.EXECUTED]
    venue.ignored(r.cancel(1, 2))


@rule("7.8")
def test_a_replacement_works_while_the_pool_is_full(kind: str) -> None:
    venue = Subject(kind, r.Limits(orders_max=1)).open()
    venue.rest(1, 1, "B", 10, 1000)
    assert venue.one(r.replace(1, 1, 2, 10, 1100)).type == r.REPLACED
    assert venue.reason(r.enter(1, 3, "B", 10, 1000)) == 0x80
