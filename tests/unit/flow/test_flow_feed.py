"""Goal: a subscriber ends with the publisher's books and every message, whatever the network does.

Method: packets handed to the receiver over loopback in a chosen order, with a re-request server of
the test; books and recordings compared with those of the messages themselves.
"""

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ironcore.client.feed import Feed
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironcore.wire import itch50, itch_file, moldudp64
from ironpit.market_data import Books

TIMEOUT_S = 20.0
SESSION = "TEST"


def message(kind: str, **fields: Any) -> bytes:
    return itch50.encode(kind, stock_locate=1, tracking_number=0, timestamp=1, **fields)


def add(ref: int, side: str, shares: int, price: int) -> bytes:
    return message("AddOrder", order_ref=ref, side=side, shares=shares, stock="BTCUSD", price=price)


def stream(count: int, seed: int = 1) -> list[bytes]:
    """A valid stream of orders that come, shrink, move and go."""
    random_ = random.Random(seed)
    live: list[int] = []
    messages = []
    for ref in range(1, count + 1):
        if live and random_.random() < 0.5:
            old = live.pop(random_.randrange(len(live)))
            kind = random_.choice(["D", "X", "E", "U"])
            if kind == "D":
                messages.append(message("OrderDelete", order_ref=old))
            elif kind == "X":
                messages.append(message("OrderCancel", order_ref=old, cancelled_shares=3))
                live.append(old)
            elif kind == "E":
                messages.append(
                    message("OrderExecuted", order_ref=old, executed_shares=4, match_number=ref)
                )
            else:
                messages.append(
                    message(
                        "OrderReplace",
                        original_order_ref=old,
                        new_order_ref=ref,
                        shares=50,
                        price=10_000 + ref,
                    )
                )
                live.append(ref)
        else:
            side = random_.choice("BS")
            messages.append(add(ref, side, 1000, 10_000 + random_.randrange(50)))
            live.append(ref)
    return messages


def packets(messages: list[bytes], per_packet: int = 3) -> list[bytes]:
    return [
        moldudp64.encode_packet(SESSION, at + 1, messages[at : at + per_packet])
        for at in range(0, len(messages), per_packet)
    ]


def books_of(messages: list[bytes]) -> Books:
    books = Books()
    for m in messages:
        books.apply(m)
    return books


class Server:
    """Answers re-requests with at most five messages a time; drops some requests if told so."""

    def __init__(self, messages: list[bytes], ignore: Callable[[int], bool]) -> None:
        self.messages = messages
        self.ignore = ignore
        self.requests = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            data, sender = self.socket.recvfrom(2048)
            if not data:
                return
            self.requests += 1
            if self.ignore(self.requests):
                continue
            request = moldudp64.decode_request(data)
            first = request["sequence_number"]
            last = first + min(5, request["message_count"]) - 1
            answer = self.messages[first - 1 : last]
            if answer:
                packet = moldudp64.encode_packet(SESSION, first, answer)
                self.socket.sendto(packet, sender)

    def close(self) -> None:
        closer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        closer.sendto(b"", self.socket.getsockname())
        closer.close()
        self.thread.join()
        self.socket.close()


class Link:
    """A receiver on a thread, and the socket that sends to it."""

    def __init__(
        self, server: Server | None = None, record: int = -1, multicast: bool = True
    ) -> None:
        self.books = Books()
        self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.receiver.bind(("127.0.0.1", 0))
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.connect(self.receiver.getsockname())
        self.asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if server is not None:
            self.asker.connect(server.socket.getsockname())
        subscription = MulticastSubscription(
            self.receiver.fileno() if multicast else -1,
            rerequest=self.asker.fileno() if server is not None else -1,
            session="" if multicast else SESSION,
        )
        self.feed = Feed(self.books.builder, subscription, record=record)
        self.thread = threading.Thread(target=self.feed.run, daemon=True)
        self.thread.start()

    def send(self, packet: bytes) -> None:
        self.sender.send(packet)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline_s, self.feed.counts()
            time.sleep(0.002)

    def close(self) -> None:
        self.feed.stop()
        self.thread.join()
        for s in (self.receiver, self.sender, self.asker):
            s.close()


@pytest.fixture
def link() -> Iterator[Link]:
    link = Link()
    yield link
    link.close()


def test_books_are_those_of_the_messages(link: Link) -> None:
    messages = stream(300)
    for packet in packets(messages):
        link.send(packet)
    link.until(lambda: link.feed.next_sequence == 301)
    assert link.books.digest() == books_of(messages).digest()
    counts = link.feed.counts()
    assert (counts["messages"], counts["packets_a"], counts["gaps"]) == (300, 100, 0)
    assert link.feed.session_name == SESSION
    assert link.feed.complete


def test_packets_that_repeat_or_overlap_are_taken_once(link: Link) -> None:
    messages = stream(60)
    for size in (3, 3, 4, 7):
        for packet in packets(messages, size):
            link.send(packet)
    link.until(lambda: link.feed.counts()["packets_a"] == 20 + 20 + 15 + 9)
    assert link.feed.next_sequence == 61
    assert link.books.digest() == books_of(messages).digest()
    assert link.feed.counts()["duplicates"] == 20 + 15 + 9


def test_packets_of_another_session_and_malformed_ones_are_counted(link: Link) -> None:
    messages = stream(6)
    first, second = packets(messages)
    link.send(first)
    link.send(moldudp64.encode_packet("OTHER", 4, [message("OrderDelete", order_ref=1)]))
    link.send(b"short")
    link.send(second)
    link.until(lambda: link.feed.next_sequence == 7)
    counts = link.feed.counts()
    assert (counts["foreign"], counts["malformed"]) == (1, 1)
    assert link.books.digest() == books_of(messages).digest()


def test_what_a_heartbeat_shows_to_be_missing_is_asked_for() -> None:
    messages = stream(40)
    server = Server(messages, ignore=lambda n: False)
    link = Link(server)
    for packet in packets(messages[:10], 5):
        link.send(packet)
    link.send(moldudp64.encode_packet(SESSION, 41, []))
    link.until(lambda: link.feed.next_sequence == 41)
    counts = link.feed.counts()
    assert (counts["gaps"], counts["recovered"], counts["lost"]) == (1, 30, 0)
    assert link.books.digest() == books_of(messages).digest()
    link.close()
    server.close()


def test_a_late_joiner_gets_everything_from_the_first_message_on() -> None:
    messages = stream(100)
    server = Server(messages, ignore=lambda n: False)
    link = Link(server)
    for packet in packets(messages)[20:]:
        link.send(packet)
    link.until(lambda: link.feed.next_sequence == 101)
    assert link.books.digest() == books_of(messages).digest()
    assert link.feed.complete
    link.close()
    server.close()


@pytest.mark.parametrize("seed", range(12))
def test_loss_duplication_and_reordering_leave_no_trace(seed: int, tmp_path: Path) -> None:
    random_ = random.Random(seed)
    messages = stream(600, seed)
    sent = []
    for packet in packets(messages, 1 + seed % 5):
        if random_.random() < 0.7:
            sent += [packet] * random_.choice([1, 1, 1, 2])
    for i in range(len(sent) - 4):
        j = i + random_.randrange(4)
        sent[i], sent[j] = sent[j], sent[i]
    server = Server(messages, ignore=lambda n: random_.random() < 0.1)
    record = os.open(tmp_path / "out.itch", os.O_WRONLY | os.O_CREAT)
    link = Link(server, record)
    for packet in sent:
        link.send(packet)
    for _ in range(2):  # one alone could be anybody's
        link.send(moldudp64.encode_end_of_session(SESSION, 601))
    link.until(lambda: link.feed.session_ended)
    link.close()
    server.close()
    os.close(record)
    assert link.feed.complete
    assert link.feed.counts()["messages"] == 600
    assert link.books.digest() == books_of(messages).digest()
    assert (tmp_path / "out.itch").read_bytes() == b"".join(map(itch_file.frame, messages))


def test_without_multicast_the_whole_stream_is_asked_for() -> None:
    messages = stream(200)
    server = Server(messages, ignore=lambda n: n % 7 == 0)
    link = Link(server, multicast=False)
    link.until(lambda: link.feed.next_sequence == 201)
    asked = link.feed.counts()["current"]
    link.until(lambda: link.feed.counts()["current"] > asked)
    assert link.books.digest() == books_of(messages).digest()
    assert link.feed.complete
    link.close()
    server.close()


def test_a_gap_that_nobody_can_fill_is_counted_as_lost_when_the_feed_stops() -> None:
    messages = stream(30)
    link = Link()
    all_packets = packets(messages)
    for packet in [*all_packets[:3], *all_packets[5:]]:
        link.send(packet)
    link.until(lambda: link.feed.counts()["packets_a"] == 8)
    assert not link.feed.complete
    link.close()
    counts = link.feed.counts()
    assert (counts["lost"], counts["messages"], link.feed.next_sequence) == (6, 24, 31)
    assert not link.feed.complete


def test_books_are_arrays_in_priority_order_and_depth_adds_them_up() -> None:
    books = books_of(
        [
            message(
                "StockDirectory",
                stock="BTCUSD",
                market_category="Q",
                financial_status="N",
                round_lot_size=1,
                round_lots_only="N",
                issue_classification="C",
                issue_subtype="Z",
                authenticity="P",
                short_sale_threshold="N",
                ipo_flag="N",
                luld_tier="1",
                etp_flag="N",
                etp_leverage_factor=0,
                inverse_indicator="N",
            ),
            add(1, "S", 10, 10_200),
            add(2, "B", 20, 10_000),
            add(3, "B", 30, 10_100),
            add(4, "B", 40, 10_000),
            add(5, "S", 50, 10_300),
            message("OrderCancel", order_ref=2, cancelled_shares=5),
        ]
    )
    assert books.symbols() == {"BTCUSD": 1}
    orders = books.orders("BTCUSD")
    assert orders["order_ref"].tolist() == [3, 2, 4, 1, 5]
    assert orders["quantity"].tolist() == [30, 15, 40, 10, 50]
    bids, asks = books.depth("BTCUSD")
    assert bids.tolist() == [(10_100, 30, 1), (10_000, 55, 2)]
    assert asks.tolist() == [(10_200, 10, 1), (10_300, 50, 1)]
    assert [len(side) for side in books.depth("BTCUSD", 1)] == [1, 1]
    with pytest.raises(KeyError):
        books.depth("NONE")


def test_the_order_table_keeps_every_order_through_growth_and_removal() -> None:
    """References that collide, a table that grows, and removals that must close their holes."""
    random_ = random.Random(7)
    books, live = Books(), {}
    for ref in range(1, 30_001):
        reference = ref * 4096 if ref % 3 else ref
        books.apply(add(reference, "B", ref, 10_000))
        live[reference] = ref
        if random_.random() < 0.6:
            gone = random_.choice(list(live)) if ref % 50 == 0 else next(iter(live))
            del live[gone]
            books.apply(message("OrderDelete", order_ref=gone))
    orders = books.orders()
    assert dict(zip(orders["order_ref"].tolist(), orders["quantity"].tolist(), strict=True)) == live
    assert (np.diff(orders["priority"].astype(np.int64)) > 0).all()
    assert books.counts()["unknown"] == 0


def test_a_message_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one whole ITCH"):
        Books().apply(b"A")
    with pytest.raises(ValueError, match="offset 0"):
        Books().apply_file(b"\x00\x05A")
