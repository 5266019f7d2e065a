"""Goal: the Python client speaks OUCH 5.0 as a member must, and gives typed replies in order.

Method: the client against a venue of the test.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from tests.unit.flow.stub_venue import StubVenue, rejected, usual

from ironpit.client import LoginError, OuchClient, order_options
from ironpit.client.replies import (
    KINDS,
    OrderAccepted,
    OrderCanceled,
    OrderReplaced,
    OrderRestated,
    Rejected,
    reply_of,
)


def run(test: Coroutine[Any, Any, None]) -> None:
    async def within_time() -> None:
        async with asyncio.timeout(20):
            await test

    asyncio.run(within_time())


def client_of(venue: StubVenue, password: str = "secret") -> OuchClient:
    return OuchClient("127.0.0.1", venue.port, "ALFA1", password)


def test_orders_replacements_and_cancellations_get_typed_replies() -> None:
    async def test() -> None:
        with StubVenue() as venue:
            async with client_of(venue) as client:
                first = client.enter("BTCUSD", "B", 100, 2_350_000, cl_ord_id="mine")
                accepted = await client.reply()
                assert isinstance(accepted, OrderAccepted)
                assert (accepted.user_ref_num, accepted.price, accepted.cl_ord_id) == (
                    first,
                    2_350_000,
                    "mine",
                )
                second = client.replace(first, 150, 2_350_100)
                replaced = await client.reply()
                assert isinstance(replaced, OrderReplaced)
                assert (replaced.orig_user_ref_num, replaced.user_ref_num) == (first, second)
                client.cancel(second, 149)
                canceled = await client.reply()
                assert isinstance(canceled, OrderCanceled)
                assert [accepted.sequence, replaced.sequence, canceled.sequence] == [2, 3, 4]

    run(test())


def test_options_are_sent_as_named_and_no_others() -> None:
    sent: list[dict[str, Any]] = []

    def hear(message: dict[str, Any]) -> list[bytes] | None:
        sent.append(message)
        return [] if message["kind"] == "MassCancel" else usual(message)

    async def test() -> None:
        with StubVenue(hear) as venue:
            async with client_of(venue) as client:
                options = order_options(
                    min_qty=1,
                    max_floor=2,
                    random_reserves=3,
                    reserve_seed=4,
                    peg="midpoint",
                    peg_offset=-5,
                    post_only=True,
                    expire_time_s=6,
                    stop_price=7,
                    trail_offset=8,
                    oco_ref=10,
                    self_trade_prevention="cancel-both",
                    group=9,
                    side="T",
                )
                client.enter("BTCUSD", "S", 100, 2_350_000, appendage=options)
                await client.reply()
                client.enter("BTCUSD", "S", 100, 1, appendage=order_options(post_only=False))
                await client.reply()
                client.mass_cancel(group=9, side="B", whole_firm=True)
                client.mass_cancel()
                client.enter("BTCUSD", "S", 100, 2_350_000)
                await client.reply()

    run(test())
    assert sent[0]["appendage"] == {
        "MinQty": 1,
        "MaxFloor": 2,
        "RandomReserves": 3,
        "ReserveSeed": 4,
        "PriceType": "M",
        "PegOffset": -5,
        "PostOnly": "P",
        "ExpireTime": 6,
        "StopPrice": 7,
        "TrailOffset": 8,
        "OcoRef": 10,
        "SelfTradePrevention": "B",
        "GroupID": 9,
        "Side": "T",
    }
    appendages = [message["appendage"] for message in sent[1:]]
    assert appendages == [
        {"PostOnly": "N"},
        {"GroupID": 9, "Side": "B", "Scope": "M"},
        {},
        {},
    ]


def test_a_restated_order_says_its_reference_and_what_it_displays() -> None:
    appendage = {"SecondaryOrdRefNum": 1 << 40, "DisplayQuantity": 30}
    message = {"kind": "OrderRestated", "timestamp": 1, "reason": "R", "appendage": appendage}
    reply = reply_of(5, message)
    assert isinstance(reply, OrderRestated)
    assert (reply.order_ref, reply.display_quantity) == (1 << 40, 30)


def test_a_rejection_is_a_reply_with_its_reason() -> None:
    async def test() -> None:
        with StubVenue(lambda message: [rejected(message)]) as venue:
            async with client_of(venue) as client:
                client.enter("NONE", "B", 100, 2_350_000)
                reply = await client.reply()
                assert isinstance(reply, Rejected)
                assert reply.reason == 0x11

    run(test())


def test_a_wrong_password_is_a_login_error_with_its_letter() -> None:
    async def test() -> None:
        with StubVenue() as venue:
            with pytest.raises(LoginError, match="wrong username or password") as raised:
                await client_of(venue, "wrong").connect()
            assert raised.value.reason == "A"

    run(test())


def test_a_client_resumes_behind_its_last_reply_after_a_lost_connection() -> None:
    async def test() -> None:
        # The third order ends the connection before it is answered.
        with StubVenue(lambda m: None if m["user_ref_num"] == 3 else usual(m)) as venue:
            client = client_of(venue)
            await client.connect()
            for _ in range(3):
                client.enter("BTCUSD", "B", 100, 2_350_000)
            with pytest.raises(ConnectionError):
                async for _ in client.replies():
                    pass
            assert not client.connected
            await client.close()
            assert (client.sequence_next, client.user_ref_next) == (4, 4)
            await client.connect()
            asked = [login["requested_sequence"] for login in venue.logins]
            assert asked == [0, 0, 4]
            assert client.user_ref_next == 4
            client.enter("BTCUSD", "B", 100, 2_350_000)
            assert (await client.reply()).user_ref_num == 4
            await client.close()

    run(test())


def test_a_silent_client_sends_heartbeats() -> None:
    async def test() -> None:
        with StubVenue() as venue:
            async with client_of(venue):
                while not venue.heartbeats:
                    await asyncio.sleep(0.05)

    run(test())


def test_a_venue_that_is_not_there_is_an_os_error() -> None:
    async def test() -> None:
        with pytest.raises(OSError, match="Connect"):
            await OuchClient("127.0.0.1", 1, "ALFA1", "secret").connect()

    run(test())


def test_there_is_a_type_for_every_message_that_a_venue_can_send() -> None:
    from ironcore.wire import ouch50

    for name in KINDS:
        with pytest.raises(ValueError, match=f"OUCH outbound {name}"):
            ouch50.encode_outbound(name)
    assert len(KINDS) == 17
