"""Goal: the Python client speaks OUCH 5.0 as a member must, and gives typed replies in order.

Method: the client against a venue of the test.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from tests.unit.flow.stub_venue import StubVenue, rejected, usual

from ironpit.client import LoginError, OuchClient
from ironpit.client.replies import KINDS, OrderAccepted, OrderCanceled, OrderReplaced, Rejected


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
