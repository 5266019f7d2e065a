"""Goal: a snapshot is SoupBinTCP and ITCH to those who know nothing of this project.

Method: a snapshot of a few thousand orders goes to a reader with a small buffer, so that packets
are split between segments; tshark dissects the capture, PyPI `itchfeed` what was received.
"""

import io
from collections import Counter
from pathlib import Path

import pytest
from itch.parser import MessageParser
from tests.peers.soup_capture import captured
from tests.unit.messaging.tcp_ends import RawReader, until
from tests.unit.wire import spec

from ironcore.market_data.feed_books import BookBuilder
from ironcore.wire import itch50
from ironpit.config import Endpoint
from ironpit.market_data.snapshot_server import SnapshotServer
from ironpit.transport.tcp import listen

INSTRUMENTS = 5
ORDERS = 3000
BUFFER_BYTES = 4096


def message(kind: str, **values: int | str) -> bytes:
    table = next(one for one in spec.ITCH if one.kind == kind)
    blank = {field.name: " " if field.kind in "ac" else 0 for field in table.fields}
    return itch50.encode(kind=kind, **{**blank, **values})


def filled_books() -> tuple[BookBuilder, dict[int, int]]:
    """Books of a few instruments, and the shares of every order in them."""
    books = BookBuilder()
    books.apply(message("SystemEvent", event_code="Q"))
    for locate in range(1, INSTRUMENTS + 1):
        named: dict[str, int | str] = {"stock_locate": locate, "stock": f"SYM{locate}"}
        books.apply(message("StockDirectory", **named))
        books.apply(message("StockTradingAction", **named, trading_state="T"))
    shares = {reference: 100 + reference for reference in range(1, ORDERS + 1)}
    for reference, quantity in shares.items():
        locate = 1 + reference % INSTRUMENTS
        values: dict[str, int | str] = {
            "stock_locate": locate,
            "stock": f"SYM{locate}",
            "order_ref": reference,
            "side": "B" if reference & 1 else "S",
            "shares": quantity,
            "price": 10_000 + reference if reference & 1 else 900_000 - reference,
        }
        if reference % 3 == 0:
            books.apply(message("AddOrderMPID", **values, attribution="ALFA"))
        else:
            books.apply(message("AddOrder", **values))
    return books, shares


@pytest.mark.needs_root
@pytest.mark.needs_tool("tshark", "dumpcap")
def test_peers_decode_every_packet_of_a_snapshot(tmp_path: Path) -> None:
    books, shares = filled_books()
    listener = listen(Endpoint("127.0.0.1", 0), "test")
    server = SnapshotServer(listener, "VENUE", books).start()
    with captured(tmp_path / "snapshot.pcap", listener.getsockname()[1]) as capture:
        reader = RawReader(capture.port, BUFFER_BYTES)
        reader.login()
        until(lambda: reader.closed, reader.read)
        reader.sock.close()
        capture.wait_for("tcp.flags.fin == 1", 2)
    server.close()

    messages = [payload for kind, payload in reader.packets() if kind == "S"]
    expected = 1 + 2 * INSTRUMENTS + ORDERS + 1
    assert len(messages) == expected
    assert Counter(capture.kinds()) == {"L": 1, "A": 1, "S": expected}
    assert capture.malformed() == []
    # Otherwise it was no trial: a segment that begins with a packet has the packet's length there.
    starts = capture.rows(f"tcp.srcport == {capture.port} and tcp.len > 0", "tcp.payload")
    assert any(row[0][4:6] != b"S".hex() for row in starts[1:]), "no packet was split"

    assert messages[-1][:1] == b"G"
    framed = b"".join(len(one).to_bytes(2, "big") + one for one in messages[:-1])
    peers = list(MessageParser().parse_file(io.BytesIO(framed)))
    assert [one.to_bytes() for one in peers] == messages[:-1]
    assert Counter(one.message_type.decode() for one in peers) == {
        "S": 1,
        "R": INSTRUMENTS,
        "H": INSTRUMENTS,
        "A": ORDERS - ORDERS // 3,
        "F": ORDERS // 3,
    }
    orders = [one for one in peers if one.message_type in (b"A", b"F")]
    assert {one.order_reference_number: one.shares for one in orders} == shares
