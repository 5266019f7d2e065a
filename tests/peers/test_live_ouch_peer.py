"""Goal: a client that others wrote trades at the venue.

Method: PyPI `nasdaq-protocols` as the SoupBinTCP client, and OUCH 5.0 written down in its own
message language, against `ironpit run` in a process of its own, without the project's codecs.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from nasdaq_protocols import ouch, soup
from nasdaq_protocols.common import message as m
from tests.split_venue import RunningVenue, write_split_config
from tests.venue import PASSWORD

ONE_THREAD = """placement:
  processes:
    venue: {threads: [{name: all, stages: [gateway, matcher, journal, publisher]}]}
"""


def text(length: int) -> Any:
    return m.FixedAsciiString(length)


def record(name: str, **fields: Any) -> type[m.Record]:
    body = {"Fields": [m.Field(key, kind) for key, kind in fields.items()], "__annotations__": {}}
    return attrs.define(type(name, (m.Record,), body))


CHAR, U32, U64, U16 = m.CharAscii, m.UnsignedIntBE, m.UnsignedLongBE, m.UnsignedShortBE

ENTER = record(
    "EnterBody", user_ref_num=U32, side=CHAR, quantity=U32, symbol=text(8), price=U64,
    time_in_force=CHAR, display=CHAR, capacity=CHAR, iso=CHAR, cross_type=CHAR,
    cl_ord_id=text(14), appendage_length=U16)  # fmt: skip
ACCEPTED = record(
    "AcceptedBody", timestamp=U64, user_ref_num=U32, side=CHAR, quantity=U32, symbol=text(8),
    price=U64, time_in_force=CHAR, display=CHAR, order_ref=U64, capacity=CHAR, iso=CHAR,
    cross_type=CHAR, order_state=CHAR, cl_ord_id=text(14), appendage_length=U16)  # fmt: skip
EXECUTED = record(
    "ExecutedBody", timestamp=U64, user_ref_num=U32, quantity=U32, price=U64, liquidity_flag=CHAR,
    match_number=U64, appendage_length=U16)  # fmt: skip
SYSTEM = record("SystemBody", timestamp=U64, event_code=CHAR)


class EnterOrder(ouch.Message, indicator=ord("O"), direction="incoming"):
    BodyRecord = ENTER


class Accepted(ouch.Message, indicator=ord("A"), direction="outgoing"):
    BodyRecord = ACCEPTED


class Executed(ouch.Message, indicator=ord("E"), direction="outgoing"):
    BodyRecord = EXECUTED


class SystemEvent(ouch.Message, indicator=ord("S"), direction="outgoing"):
    BodyRecord = SYSTEM


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    venue = RunningVenue(write_split_config(tmp_path, "off", ONE_THREAD))
    yield venue.config.order_entry.listen.address, venue.config.order_entry.listen.port
    assert venue.stop() == 0, venue.said()


def order(user_ref: int, side: str, quantity: int, price: int) -> EnterOrder:
    values = {
        "user_ref_num": user_ref,
        "side": side,
        "quantity": quantity,
        "symbol": "BTCUSD  ",
        "price": price,
        "time_in_force": "0",
        "display": "Y",
        "capacity": "P",
        "iso": "N",
        "cross_type": "N",
        "cl_ord_id": f"peer-{user_ref:<9}",
        "appendage_length": 0,
    }
    return EnterOrder(ENTER(values))


async def login(address: tuple[str, int], user: str) -> ouch.ClientSession:
    return await ouch.connect_async(address, user, PASSWORD, "", sequence=1)


async def next_of(session: ouch.ClientSession, kind: type) -> Any:
    while True:
        reply = await asyncio.wait_for(session.receive_message(), 20)
        if isinstance(reply, kind):
            return reply


def test_a_peers_order_is_accepted_and_traded(address: tuple[str, int]) -> None:
    async def trade() -> tuple[Any, Any, Any]:
        buyer, seller = await login(address, "alfa1"), await login(address, "BETA1")
        buyer.send_message(order(1, "B", 100, 1_000_000))
        accepted = await next_of(buyer, Accepted)
        seller.send_message(order(1, "S", 40, 990_000))
        bought, sold = await next_of(buyer, Executed), await next_of(seller, Executed)
        await buyer.close()
        await seller.close()
        return accepted, bought, sold

    accepted, bought, sold = asyncio.run(trade())
    assert (accepted.user_ref_num, accepted.quantity, accepted.price) == (1, 100, 1_000_000)
    assert (accepted.symbol.rstrip(), accepted.cl_ord_id.rstrip()) == ("BTCUSD", "peer-1")
    assert (bought.quantity, bought.price, bought.liquidity_flag) == (40, 1_000_000, "A")
    assert (sold.quantity, sold.price, sold.liquidity_flag) == (40, 1_000_000, "R")
    assert bought.match_number == sold.match_number == 1


def test_a_peers_wrong_password_is_refused(address: tuple[str, int]) -> None:
    async def attempt() -> None:
        await soup.connect_async(address, "ALFA1", "WRONG", "", sequence=1)

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(attempt())


def test_a_peer_resumes_where_it_left_off(address: tuple[str, int]) -> None:
    async def resume() -> tuple[Any, Any]:
        first = await login(address, "ALFA1")
        first.send_message(order(1, "B", 10, 500_000))
        first.send_message(order(2, "B", 20, 500_000))
        await next_of(first, Accepted)
        second = await next_of(first, Accepted)
        await first.close()
        again = await ouch.connect_async(address, "ALFA1", PASSWORD, "TEST", sequence=3)
        repeated = await next_of(again, Accepted)
        await again.close()
        return second, repeated

    second, repeated = asyncio.run(resume())
    assert second.to_bytes() == repeated.to_bytes()
