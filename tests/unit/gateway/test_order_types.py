"""Goal: orders of every kind work from a member's message to its replies and to the public feed,
and a venue that was killed tells the same again.

Method: a hand-turned venue with instruments in an opening auction and in continuous trading; what
members hear, by the OUCH decoder; the feed by the subscriber's books.
"""

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.streams import whole_stream
from tests.unit.publisher.stream_frames import messages
from tests.venue import HandVenue, Member, write_config

from ironcore.market_data.itch_feed import Feed
from ironcore.wire import ouch50
from ironpit.client import order_options
from ironpit.common.digest import visible_digest
from ironpit.market_data.books import Books
from ironpit.venue.definitions import set_state

DAY_NS = 86_400_000_000_000
MID = 1_000_000


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = write_config(tmp_path / "venue")
    text = file.read_text()
    old = '{symbol: BTCUSD, tick_size: "0.01", '
    new = old + "collars: {static: 1000bp}, reference_price: 100, "
    text = text.replace(old, new)
    more = "  - {symbol: OPEN, initial_state: opening-auction, reference_price: 100}\nsessions:"
    text = text.replace("sessions:", more, 1)
    for member in ("ALFA1", "BETA1"):
        firm = member[:4]
        stp = "stp_group: 1, stp_mode: cancel-oldest" if member == "ALFA1" else "stp_group: 2"
        text = text.replace(f"{member}, firm: {firm}", f"{member}, firm: {firm}, {stp}")
    file.write_text(text)
    return file


class Trader:
    """A member that speaks the client's language."""

    def __init__(self, venue: HandVenue, username: str) -> None:
        self.member = Member(venue, username)
        self.member.login()

    def send(self, kind: str, **fields: Any) -> None:
        self.member.send("U", ouch50.encode_inbound(kind, **fields))

    def enter(self, user_ref: int, side: str, quantity: int, price: int, **fields: Any) -> None:
        usual = {"symbol": "BTCUSD", "time_in_force": "0", "display": "Y", "capacity": "P"}
        more = {"iso": "N", "cross_type": "N", "cl_ord_id": "", **usual, **fields}
        self.send(
            "EnterOrder", user_ref_num=user_ref, side=side, quantity=quantity, price=price, **more
        )
        self.member.venue.settle()

    def heard(self) -> list[dict[str, Any]]:
        return [ouch50.decode_outbound(reply) for reply in self.member.replies()]

    def kinds(self, user_ref: int) -> list[str]:
        return [r["kind"] for r in self.heard() if r.get("user_ref_num") == user_ref]

    def last(self) -> dict[str, Any]:
        return self.heard()[-1]


class Market:
    """A venue and two traders."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.venue = HandVenue(file)
        self.venue.settle()
        self.alfa, self.beta = Trader(self.venue, "ALFA1"), Trader(self.venue, "BETA1")

    def wait(self, condition: Any) -> None:
        self.alfa.member.wait(condition)

    def public_books(self) -> Books:
        """What a subscriber makes of the whole stream."""
        self.venue.settle()
        config, feed, books = self.venue.config, Feed(), Books()
        stream = whole_stream(config.journal.directory, config.streams.events.path)
        for sequence, payload in stream:
            for message in messages(feed.apply(sequence, payload)):
                books.apply(message)
        return books


@pytest.fixture
def market(config_file: Path) -> Iterator[Market]:
    market = Market(config_file)
    yield market
    assert market.public_books().digest() == visible_digest(market.venue.engine)
    told = [market.alfa.heard(), market.beta.heard()]
    market.venue.crash()
    again = Market(market.file)
    assert [again.alfa.heard(), again.beta.heard()] == told
    again.venue.crash()


def test_an_iceberg_shows_its_peaks_one_by_one(market: Market) -> None:
    options = order_options(max_floor=20, random_reserves=5)
    market.alfa.enter(1, "S", 100, MID, appendage=options)
    _, asks = market.public_books().depth("BTCUSD")
    assert [(int(a["price"]), int(a["quantity"])) for a in asks] == [(MID, 20)]
    market.beta.enter(1, "B", 20, MID, time_in_force="3")
    assert market.alfa.kinds(1) == ["OrderAccepted", "OrderExecuted", "OrderRestated"]
    restated = market.alfa.last()["appendage"]
    _, asks = market.public_books().depth("BTCUSD")
    assert asks["quantity"].tolist() == [restated["DisplayQuantity"]]
    assert 15 <= restated["DisplayQuantity"] <= 25
    (order,) = market.public_books().orders("BTCUSD")
    assert order["order_ref"] == restated["SecondaryOrdRefNum"]


def test_a_hidden_order_trades_unseen(market: Market) -> None:
    market.alfa.enter(1, "S", 100, MID, display="N")
    assert len(market.public_books().orders()) == 0
    market.beta.enter(1, "B", 40, MID, time_in_force="3")
    flags = [trader.last()["liquidity_flag"] for trader in (market.alfa, market.beta)]
    assert flags == ["J", "R"]


def test_a_market_to_limit_order_is_told_the_price_that_it_found(market: Market) -> None:
    market.alfa.enter(1, "S", 10, MID)
    market.alfa.enter(2, "S", 10, MID + 100)
    options = order_options(market_to_limit=True)
    market.beta.enter(1, "B", 15, 2_147_483_647, appendage=options)
    assert market.beta.kinds(1) == ["OrderAccepted", "OrderExecuted"]
    accepted = next(r for r in market.beta.heard() if r["kind"] == "OrderAccepted")
    assert (accepted["price"], accepted["appendage"]) == (MID, {"PriceType": "K"})
    bids, asks = market.public_books().depth("BTCUSD")
    assert [(int(b["price"]), int(b["quantity"])) for b in bids] == [(MID, 5)]
    assert [(int(a["price"]), int(a["quantity"])) for a in asks] == [(MID + 100, 10)]
    options = order_options(market_to_limit=True)
    market.beta.send(
        "ReplaceOrder",
        orig_user_ref_num=1,
        user_ref_num=2,
        quantity=25,
        price=2_147_483_647,
        time_in_force="0",
        display="Y",
        iso="N",
        cl_ord_id="",
        appendage=options,
    )
    market.venue.settle()
    replaced = next(r for r in market.beta.heard() if r["kind"] == "OrderReplaced")
    assert replaced["price"] == MID + 100


def test_a_displayed_peg_moves_in_the_feed_and_its_member_is_told(market: Market) -> None:
    market.alfa.enter(1, "B", 10, MID - 300)
    market.alfa.enter(2, "B", 10, MID - 100)
    options = order_options(peg="same-side")
    market.beta.enter(1, "B", 5, 2_147_483_647, appendage=options)
    bids, _ = market.public_books().depth("BTCUSD")
    assert (int(bids["price"][0]), int(bids["quantity"][0])) == (MID - 100, 15)
    market.alfa.send("CancelOrder", user_ref_num=2, quantity=0)
    market.venue.settle()
    bids, _ = market.public_books().depth("BTCUSD")
    assert [(int(b["price"]), int(b["quantity"])) for b in bids] == [(MID - 300, 15)]
    moved = market.beta.last()
    assert moved["kind"] == "OrderPriorityUpdate"
    assert (moved["price"], moved["display"]) == (MID - 300, "Y")
    references = [int(order["order_ref"]) for order in market.public_books().orders("BTCUSD")]
    assert references[-1] == moved["order_ref"]


def test_a_stop_that_a_trade_triggers_executes_as_the_aggressor(market: Market) -> None:
    market.alfa.enter(1, "S", 10, MID)
    market.alfa.enter(2, "S", 10, MID + 100)
    options = order_options(stop_price=MID)
    market.beta.enter(1, "B", 5, MID + 100, appendage=options)
    assert market.beta.kinds(1) == ["OrderAccepted"]
    market.beta.enter(2, "B", 10, MID)
    assert market.beta.kinds(1) == ["OrderAccepted", "OrderExecuted"]
    assert (market.beta.last()["price"], market.beta.last()["liquidity_flag"]) == (MID + 100, "R")
    assert market.alfa.kinds(2) == ["OrderAccepted", "OrderExecuted"]


def test_an_order_does_not_trade_with_its_own_group(market: Market) -> None:
    market.alfa.enter(1, "S", 10, MID)
    market.alfa.enter(2, "B", 10, MID)
    prevented = market.alfa.last()
    assert (prevented["kind"], prevented["user_ref_num"]) == ("AIQCanceled", 1)
    assert (prevented["aiq_strategy"], prevented["decrement_shares"]) == ("O", 10)
    bids, asks = market.public_books().depth("BTCUSD")
    assert (len(bids), len(asks)) == (1, 0)


def test_a_good_till_time_order_expires_by_the_venues_clock(market: Market) -> None:
    second = time.time_ns() % DAY_NS // 1_000_000_000
    options = order_options(expire_time_s=second + 2)
    market.alfa.enter(1, "B", 10, MID, time_in_force="6", appendage=options)
    market.wait(lambda: market.alfa.last()["kind"] == "OrderCanceled")
    assert market.alfa.last()["reason"] == "T"
    assert time.time_ns() % DAY_NS // 1_000_000_000 >= second + 2


def announcements(venue: HandVenue, paired: int, imbalance: int) -> int:
    """Indicative prices published so far that say both quantities."""
    config, feed, count = venue.config, Feed(), 0
    said = struct.pack(">QQ", paired, imbalance)
    stream = whole_stream(config.journal.directory, config.streams.events.path)
    for sequence, payload in stream:
        found = messages(feed.apply(sequence, payload))
        count += sum(m[:1] == b"I" and m[11:27] == said for m in found)
    return count


def test_an_auction_is_announced_each_second_and_its_cross_told_to_both(market: Market) -> None:
    market.alfa.enter(1, "B", 30, MID, symbol="OPEN")
    market.beta.enter(1, "S", 50, MID - 100, symbol="OPEN", cross_type="O")
    market.wait(lambda: announcements(market.venue, paired=30, imbalance=20) >= 2)
    assert market.venue.matcher.submit(set_state(2, "continuous"))
    fill = market.alfa.last()
    assert (fill["kind"], fill["liquidity_flag"], fill["quantity"]) == ("OrderExecuted", "O", 30)
    assert market.beta.kinds(1) == ["OrderAccepted", "OrderExecuted", "OrderCanceled"]


@pytest.mark.parametrize(
    "options", [order_options(imbalance_only=True), {"HandleInst": "I"}], ids=["ours", "ouch"]
)
def test_an_imbalance_only_order_executes_with_the_surplus(
    market: Market, options: dict[str, Any]
) -> None:
    open_order = {"symbol": "OPEN", "cross_type": "O", "appendage": options}
    market.beta.enter(1, "S", 15, MID - 300, **open_order)
    assert market.beta.last()["appendage"] == {"PriceType": "I"}
    market.beta.enter(2, "S", 10, MID, symbol="OPEN")
    market.alfa.enter(1, "B", 30, MID, symbol="OPEN")
    assert market.venue.matcher.submit(set_state(2, "continuous"))
    fill = market.beta.last()
    assert (fill["user_ref_num"], fill["quantity"], fill["price"]) == (1, 15, MID)
    assert market.beta.kinds(1) == ["OrderAccepted", "OrderExecuted"]


def test_a_trade_outside_the_collar_pauses_the_instrument(market: Market) -> None:
    market.alfa.enter(1, "S", 10, 1_150_000)
    market.beta.enter(1, "B", 10, 1_150_000)
    assert market.beta.kinds(1) == ["OrderAccepted"]
    market.beta.enter(2, "B", 10, MID, time_in_force="3")
    assert market.beta.last()["reason"] == 0x07


def test_a_firms_orders_are_cancelled_by_one_message(market: Market) -> None:
    for number, group in ((1, 7), (2, 8)):
        options = order_options(group=group)
        market.alfa.enter(number, "B", 10, MID - 100 * number, appendage=options)
    market.alfa.send(
        "MassCancel",
        user_ref_num=3,
        firm="ALFA",
        symbol="",
        appendage={"GroupID": 8, "Scope": "M", "Side": "B"},
    )
    assert [market.alfa.kinds(n)[-1] for n in (1, 2, 3)] == [
        "OrderAccepted",
        "OrderCanceled",
        "MassCancelResponse",
    ]
