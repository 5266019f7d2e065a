"""Goal: the feed client hears a multicast group on the interface that it is told, and nothing else.

Method: packets sent to groups on the loopback interface.
"""

import socket
from pathlib import Path

import pytest
from tests.unit.flow.test_flow_feed import SESSION, TIMEOUT_S, books_of, packets, stream

from ironcore.wire import itch_file, moldudp64
from ironpit.config import Endpoint
from ironpit.demo.temporary_venue import free_port
from ironpit.market_data import FeedClient, FeedError

GROUP = "239.192.77.7"


def sender() -> socket.socket:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
    return s


@pytest.mark.parametrize("interface", ["127.0.0.1", "lo"])
def test_a_group_is_heard_on_an_interface_given_by_address_or_by_name(
    interface: str, tmp_path: Path
) -> None:
    port = free_port(socket.SOCK_DGRAM)
    messages = stream(90)
    record = tmp_path / "out.itch"
    client = FeedClient(Endpoint(GROUP, port), interface, record=record)
    with sender() as s, client:
        for packet in packets(messages):
            s.sendto(packet, (GROUP, port))
        assert client.wait_until(lambda: client.feed.next_sequence == 91, TIMEOUT_S)
        assert client.books.digest() == books_of(messages).digest()
    assert record.read_bytes() == b"".join(map(itch_file.frame, messages))
    assert not client.running


def test_another_group_on_the_same_port_is_not_heard() -> None:
    port = free_port(socket.SOCK_DGRAM)
    first, second = packets(stream(6))
    with sender() as s, FeedClient(Endpoint(GROUP, port), "127.0.0.1") as client:
        other = FeedClient(Endpoint("239.192.77.8", port), "127.0.0.1")
        s.sendto(moldudp64.encode_packet("OTHER", 1, []), ("239.192.77.8", port))
        s.sendto(first, (GROUP, port))
        s.sendto(second, (GROUP, port))
        assert client.wait_until(lambda: client.feed.next_sequence == 7, TIMEOUT_S)
        assert client.feed.session_name == SESSION
        assert client.feed.counts()["foreign"] == 0
        other.stop()


def test_an_interface_that_is_not_there_is_an_error_by_name() -> None:
    with pytest.raises(FeedError, match=r"group 239\.192\.77\.7:\d+ on nosuch0: No such device"):
        FeedClient(Endpoint(GROUP, free_port(socket.SOCK_DGRAM)), "nosuch0")
    with pytest.raises(FeedError, match=r"group 239\.192\.77\.7:\d+ on 203\.0\.113\.9: "):
        FeedClient(Endpoint(GROUP, free_port(socket.SOCK_DGRAM)), "203.0.113.9")


def test_a_recording_that_cannot_be_written_is_an_error_by_name(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"missing/out\.itch: No such file"):
        FeedClient(
            Endpoint(GROUP, free_port(socket.SOCK_DGRAM)),
            "127.0.0.1",
            record=tmp_path / "missing" / "out.itch",
        )
