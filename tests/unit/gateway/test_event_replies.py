"""Goal: each event that concerns a member is the one OUCH reply that says so, to the right
session, and nothing else is sent. Method: transactions packed by hand, given to a gateway as the
stream would give them; replies read off members' connections.
"""

from typing import Any

import pytest
from tests.model import records as r
from tests.venue import HandVenue, Member

from ironcore.wire import ouch50

BITS = 12  # of a slot, as the small venue has them
MATCH = 77


def slot(session: int, user_ref: int) -> int:
    return session << BITS | user_ref


def event(kind: int, **fields: Any) -> bytes:
    values = dict.fromkeys(r.Event._fields, 0)
    return r.EVENT.pack(*{**values, "type": kind, **fields}.values())


def frame(command: bytes, *events: bytes) -> bytes:
    *others, last = events
    return command + b"".join(others) + last[:1] + bytes([last[1] | r.LAST]) + last[2:]


def accepted(user_ref: int, session: int) -> bytes:
    return event(r.ACCEPTED, reason=ord("L"), quantity=100, slot=slot(session, user_ref))


class Stream:
    """A gateway fed by hand behind what its venue has defined, and its first two members."""

    def __init__(self, venue: HandVenue) -> None:
        self.venue = venue
        self.members = [Member(venue, "ALFA1"), Member(venue, "BETA1")]
        for member in self.members:
            member.login()
        self.heard = [len(member.replies()) for member in self.members]

    def give(self, command: bytes, *events: bytes) -> list[list[dict[str, Any]]]:
        """One transaction: the replies to both members that it causes."""
        gateway = self.venue.gateway
        gateway.catch_up(gateway.stream_sequence + 1, frame(command, *events))
        found = []
        for number, member in enumerate(self.members):
            replies = member.replies()
            found.append([ouch50.decode_outbound(m) for m in replies[self.heard[number] :]])
            self.heard[number] = len(replies)
        for reply in [reply for replies in found for reply in replies]:
            del reply["timestamp"]
        return found

    def enter(self, session: int, user_ref: int, appendage: bytes = b"") -> None:
        command = r.enter(session, user_ref, "B", 100, 1_000_000, options=appendage)
        self.give(command, accepted(user_ref, session))


@pytest.fixture
def stream(venue: HandVenue) -> Stream:
    return Stream(venue)


def fill(user_ref: int, flag: str, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "OrderExecuted",
        "user_ref_num": user_ref,
        "quantity": 30,
        "price": 500,
        "liquidity_flag": flag,
        "match_number": MATCH,
        "appendage": {},
        **fields,
    }


EXECUTED = {"quantity": 30, "price": 500, "other": MATCH}


@pytest.mark.parametrize(("flags", "added"), [(r.VISIBLE, "A"), (0, "J")])
def test_who_adds_a_hidden_order_is_told_so(stream: Stream, flags: int, added: str) -> None:
    stream.enter(1, 5)
    executed = event(r.EXECUTED, flags=flags, slot=slot(1, 5), **EXECUTED)
    ours, theirs = stream.give(r.enter(2, 9, "S", 30, 500), accepted(9, 2), executed)
    assert ours == [fill(5, added)]
    assert theirs[1:] == [fill(9, "R")]


def test_an_order_that_was_activated_hears_of_its_own_executions(stream: Stream) -> None:
    stream.enter(1, 5)
    stream.enter(1, 6)
    stream.enter(2, 1)
    ours, theirs = stream.give(
        r.cancel(2, 1),
        event(r.CANCELED, slot=slot(2, 1), quantity=1, reason=ord("U")),
        event(r.ACTIVATED, slot=slot(1, 6), quantity=60),
        event(r.EXECUTED, flags=r.VISIBLE, slot=slot(1, 5), **EXECUTED),
        event(r.CANCELED, slot=slot(1, 6), quantity=30, reason=ord("I")),
    )
    assert [reply["kind"] for reply in ours] == ["OrderExecuted", "OrderExecuted", "OrderCanceled"]
    assert ours[:2] == [fill(5, "A"), fill(6, "R")]
    assert [reply["kind"] for reply in theirs] == ["OrderCanceled"]


def test_an_execution_without_an_aggressor_is_none_that_a_matcher_writes(stream: Stream) -> None:
    with pytest.raises(ValueError, match="does not continue the stream"):
        stream.give(r.cancel(1, 5), event(r.EXECUTED, slot=slot(1, 5), **EXECUTED))


@pytest.mark.parametrize("cross", ["O", "C", "H"])
def test_both_sides_of_a_cross_hear_of_it_with_its_flag(stream: Stream, cross: str) -> None:
    crossed = {"reason": ord(cross), **EXECUTED}
    ours, theirs = stream.give(
        r.set_state(0, "T"),
        event(r.CROSS, flags=r.VISIBLE, reason=ord(cross), order_ref=30, price=500, other=76),
        event(r.CROSSED, flags=r.VISIBLE, slot=slot(1, 5), **crossed),
        event(r.CROSSED, slot=slot(2, 9), **crossed),
        event(r.STATE_CHANGED, flags=r.VISIBLE, reason=ord("T")),
    )
    assert ours == [fill(5, cross)]
    assert theirs == [fill(9, cross)]


def test_the_next_peak_of_an_iceberg_is_restated_with_its_reference(stream: Stream) -> None:
    stream.enter(1, 5)
    ours, theirs = stream.give(
        r.set_state(0, "T"),
        event(r.REPLENISHED, slot=slot(1, 5), order_ref=1 << 33, quantity=20, other=4),
        event(r.REDUCED, slot=slot(1, 5), quantity=20),
    )
    assert ours == [
        {
            "kind": "OrderRestated",
            "user_ref_num": 5,
            "reason": "R",
            "appendage": {"SecondaryOrdRefNum": 1 << 33, "DisplayQuantity": 20},
        }
    ]
    assert theirs == []


def prevented(user_ref: int, flag: str, strategy: str) -> dict[str, Any]:
    return {
        "kind": "AIQCanceled",
        "user_ref_num": user_ref,
        "decrement_shares": 40,
        "reason": "Q",
        "quantity_prevented": 40,
        "execution_price": 500,
        "liquidity_flag": flag,
        "aiq_strategy": strategy,
        "appendage": {},
    }


def test_self_trade_prevention_tells_both_with_the_aggressors_mode(stream: Stream) -> None:
    stream.enter(1, 5, r.option(130, b"N"))
    lost = {"quantity": 40, "reason": ord("Q"), "price": 500}
    ours, theirs = stream.give(
        r.enter(2, 9, "S", 40, 500, options=r.option(130, b"D")),
        accepted(9, 2),
        event(r.CANCELED, flags=r.VISIBLE, slot=slot(1, 5), **lost),
        event(r.CANCELED, slot=slot(2, 9), **lost),
    )
    assert ours == [prevented(5, "A", "D")]
    assert theirs[1:] == [prevented(9, "R", "D")]


def test_a_replacement_keeps_its_mode_until_it_names_another(stream: Stream) -> None:
    stream.enter(1, 5, r.option(130, b"B"))
    lost = event(r.CANCELED, slot=slot(1, 6), quantity=40, reason=ord("Q"), price=500)
    replaced = event(r.REPLACED, slot=slot(1, 6), reason=ord("L"), side=ord("B"))
    ours, _ = stream.give(r.replace(1, 5, 6, 40, 500), replaced, lost)
    assert ours[1] == prevented(6, "R", "B")
    changed = r.replace(1, 6, 7, 40, 500, options=r.option(130, b"O"))
    replaced = event(r.REPLACED, slot=slot(1, 7), reason=ord("L"), side=ord("B"))
    lost = event(r.CANCELED, slot=slot(1, 7), quantity=40, reason=ord("Q"), price=500)
    ours, _ = stream.give(changed, replaced, lost)
    assert ours[1] == prevented(7, "R", "O")


def test_prevention_without_an_aggressor_that_is_named_still_tells_the_order(
    stream: Stream,
) -> None:
    stream.enter(1, 5)
    lost = event(r.CANCELED, slot=slot(1, 5), quantity=40, reason=ord("Q"), price=500)
    ours, _ = stream.give(r.clock(5), lost)
    assert ours == [prevented(5, "R", "-")]


def test_a_broken_trade_is_told_with_the_orders_own_words(stream: Stream) -> None:
    stream.enter(1, 5)
    ours, theirs = stream.give(
        r.bust_trade(MATCH, slot(1, 5), slot(2, 8)),
        event(r.BROKEN, flags=r.VISIBLE, slot=slot(1, 5), reason=ord("E"), other=MATCH),
        event(r.BROKEN, slot=slot(2, 8), reason=ord("E"), other=MATCH),
    )
    broken = {"kind": "BrokenTrade", "match_number": MATCH, "reason": "E", "appendage": {}}
    assert ours == [{**broken, "user_ref_num": 5, "cl_ord_id": "CLORDID"}]
    assert theirs == [{**broken, "user_ref_num": 8, "cl_ord_id": ""}]


@pytest.mark.parametrize(
    "kind", [r.ADDED, r.REDUCED, r.CROSS, r.INDICATIVE, r.STATE_CHANGED, r.COLLARS]
)
def test_what_concerns_the_public_alone_is_no_reply(stream: Stream, kind: int) -> None:
    quiet = event(kind, flags=r.VISIBLE, slot=slot(1, 5))
    assert stream.give(r.set_state(0, "T"), quiet) == [[], []]


@pytest.mark.parametrize(
    "kind", [r.EXECUTED, r.CANCELED, r.MODIFIED, r.REPLENISHED, r.ACTIVATED, r.CROSSED, r.BROKEN]
)
def test_an_event_of_a_session_that_cannot_be_is_refused(stream: Stream, kind: int) -> None:
    with pytest.raises(ValueError, match="does not continue the stream"):
        stream.give(r.enter(1, 5, "B", 1, 1), event(kind, slot=slot(99, 5)))


QUOTE = r.quote(1, 5, (0, 500, 100, 600, 100))
QUOTED = event(r.QUOTED, slot=slot(1, 5))


def test_a_quote_is_told_to_nobody_and_its_executions_as_of_any_order(stream: Stream) -> None:
    assert stream.give(QUOTE, QUOTED, accepted(5, 1), accepted(6, 1)) == [[], []]
    executed = event(r.EXECUTED, flags=r.VISIBLE, slot=slot(1, 5), **EXECUTED)
    ours, theirs = stream.give(r.enter(2, 9, "S", 30, 500), accepted(9, 2), executed)
    assert ours == [fill(5, "A")]
    assert [reply["kind"] for reply in theirs] == ["OrderAccepted", "OrderExecuted"]


def test_a_side_of_a_quote_that_executes_as_it_comes_in_is_the_aggressor(stream: Stream) -> None:
    stream.enter(2, 9)
    executed = event(r.EXECUTED, flags=r.VISIBLE, slot=slot(2, 9), **EXECUTED)
    ours, theirs = stream.give(QUOTE, QUOTED, accepted(5, 1), accepted(6, 1), executed)
    assert ours == [fill(6, "R")]
    assert theirs == [fill(9, "A")]


def test_a_quote_that_leaves_for_its_protection_says_so(stream: Stream) -> None:
    stream.give(QUOTE, QUOTED, accepted(5, 1), accepted(6, 1))
    left = event(r.CANCELED, flags=r.VISIBLE, reason=ord("P"), quantity=70, slot=slot(1, 6))
    reached = event(r.PROTECTION_REACHED, slot=slot(1, 0))
    ours, _ = stream.give(r.enter(2, 9, "S", 30, 500), accepted(9, 2), reached, left)
    assert [(reply["kind"], reply["reason"]) for reply in ours] == [("OrderCanceled", "P")]
