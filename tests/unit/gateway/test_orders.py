"""OUCH 5.0 through gateway, matcher and back: what a member is told of its orders.
Method: raw messages in, the reply bytes taken apart by hand-written layouts of the specification.
"""

import struct

from tests.venue import HandVenue, Member


def accepted(reply: bytes) -> dict[str, object]:
    names = (
        "type",
        "timestamp",
        "user_ref",
        "side",
        "quantity",
        "symbol",
        "price",
        "tif",
        "display",
        "order_ref",
        "capacity",
        "iso",
        "cross",
        "state",
        "cl_ord_id",
        "appendage",
    )
    return dict(zip(names, struct.unpack_from(">cQIcI8sQccQcccc14sH", reply), strict=True))


def executed(reply: bytes) -> tuple[int, int, int, bytes, int]:
    return struct.unpack_from(">IIQcQ", reply, 9)


def test_an_order_is_accepted_with_its_own_words(member: Member) -> None:
    member.enter(7, "S", 123, 1_234_500)
    reply = accepted(member.replies()[-1])
    assert reply["type"] == b"A"
    assert (reply["user_ref"], reply["side"], reply["quantity"]) == (7, b"S", 123)
    assert (reply["symbol"], reply["price"], reply["state"]) == (b"BTCUSD  ", 1_234_500, b"L")
    assert (reply["order_ref"], reply["cl_ord_id"]) == (1, b"7             ")


def test_options_of_an_order_are_echoed(member: Member) -> None:
    appendage = bytes([3, 24, 0, 9])
    member.enter(1, appendage=appendage)
    reply = member.replies()[-1]
    assert accepted(reply)["appendage"] == len(appendage)
    assert reply[64:] == appendage


def test_both_sides_hear_of_a_trade_at_the_resting_price(member: Member, venue: HandVenue) -> None:
    other = Member(venue, "BETA1")
    other.login()
    member.enter(1, "B", 100, 1_000_000)
    member.replies()
    other.enter(1, "S", 60, 990_000)
    ours, theirs = member.replies()[-1], other.replies()[-1]
    assert executed(ours) == (1, 60, 1_000_000, b"A", 1)
    assert executed(theirs) == (1, 60, 1_000_000, b"R", 1)


def test_the_rest_of_an_immediate_order_is_cancelled(member: Member) -> None:
    member.enter(1, quantity=50, tif="3")
    reply = member.replies()[-1]
    assert reply[:1] == b"C"
    assert struct.unpack_from(">IIc", reply, 9) == (1, 50, b"I")


def test_bad_orders_are_rejected_with_their_code_and_consume_their_number(member: Member) -> None:
    cases = [
        ({"symbol": "NOPE"}, 0x17),
        ({"price": 1_000_001}, 0x1D),
        ({"price": 20_000_000}, 0x1D),
        ({"price": 1 << 40}, 0x1D),
        ({"quantity": 0}, 0x13),
        ({"quantity": 1_000_000}, 0x31),
        ({"symbol": "ETHUSD", "quantity": 15, "price": 10_000}, 0x13),
        ({"side": "X"}, 0x09),
    ]
    for number, (wrong, code) in enumerate(cases, start=1):
        member.enter(number, **wrong)  # type: ignore[arg-type]
        reply = member.replies()[-1]
        assert reply[:1] == b"J", wrong
        assert struct.unpack_from(">IH", reply, 9) == (number, code), wrong
    count = len(member.replies())
    member.enter(1)
    assert len(member.replies()) == count


def test_a_message_that_is_sent_again_changes_nothing(member: Member) -> None:
    member.enter(1)
    before = member.replies()
    member.enter(1)
    member.cancel(9)
    assert member.replies() == before


def test_a_replace_keeps_symbol_and_capacity(member: Member) -> None:
    member.enter(1, "S", 100, 1_000_000)
    member.replace(1, 2, 80, 1_010_000)
    reply = member.replies()[-1]
    names = struct.unpack_from(">cQIIcI8sQccQc", reply)
    assert names[0] == b"U"
    assert names[2:8] == (1, 2, b"S", 80, b"BTCUSD  ", 1_010_000)
    assert names[11] == b"P"


def test_a_partial_cancel_says_how_much_went(member: Member) -> None:
    member.enter(1, quantity=100)
    member.cancel(1, 30)
    reply = member.replies()[-1]
    assert struct.unpack_from(">IIc", reply, 9) == (1, 70, b"U")


def test_mass_cancel_and_the_switch_of_order_entry_answer(member: Member) -> None:
    for number in (1, 2, 3):
        member.enter(number)
    member.send("U", struct.pack(">cI4s8sH", b"C", 4, b"ALFA", b"BTCUSD  ", 0))
    kinds = [reply[:1] for reply in member.replies()]
    assert kinds[-4:] == [b"C", b"C", b"C", b"X"]
    member.send("U", struct.pack(">cI4sH", b"D", 5, b"    ", 0))
    assert member.replies()[-1][:1] == b"G"
    member.enter(6)
    assert member.replies()[-1][:1] == b"J"
    member.send("U", struct.pack(">cI4sH", b"E", 7, b"ALFA", 0))
    assert member.replies()[-1][:1] == b"K"
    member.enter(8)
    assert member.replies()[-1][:1] == b"A"


def test_a_request_for_another_firm_is_ignored_and_counted(
    member: Member, venue: HandVenue
) -> None:
    member.enter(1)
    before = member.replies()
    member.send("U", struct.pack(">cI4s8sH", b"C", 2, b"BETA", b"        ", 0))
    assert member.replies() == before
    assert venue.gateway.counters.snapshot()["foreign_firm"] == 1


def test_a_query_gives_the_next_number(member: Member) -> None:
    member.enter(41)
    member.send("U", b"Q")
    reply = member.replies()[-1]
    assert reply[:1] == b"Q"
    assert struct.unpack_from(">I", reply, 9) == (42,)


def test_a_full_order_ring_holds_the_member_back_and_loses_nothing(
    member: Member, venue: HandVenue
) -> None:
    orders = 3000
    for number in range(1, orders + 1):
        member.enter(number, quantity=1, price=10_000)
        if number % 50 == 0:
            venue.turn(venue.gateway)
    for _ in range(200):
        venue.turn(venue.gateway)
    assert venue.gateway.counters.snapshot()["back_pressure"] > 0
    replies = [r for r in member.replies() if r[:1] == b"A"]
    assert [accepted(r)["user_ref"] for r in replies] == list(range(1, orders + 1))
