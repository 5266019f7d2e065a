"""Goal: every transport of the table opens both ends, and is told of where people look for it.

Method: the table against the modules, the help of `ironpit bridge` and the conformance suite; ends
that cannot be opened, described as a configuration and as an address do it.
"""

import socket
from pathlib import Path

import pytest
from tests.conformance.transports import TRANSPORTS

from ironpit.bridge.addresses import parse
from ironpit.cli.bridge import ADDRESSES
from ironpit.common.errors import UserError
from ironpit.config import transport_kinds
from ironpit.config.scalars import Endpoint
from ironpit.transport.ends import Counting, Transport, Where
from ironpit.transport.kinds import transport_of
from ironpit.transport.multicast import Group


@pytest.mark.parametrize("name", transport_kinds.NAMES)
def test_a_transport_of_the_table_has_its_object_its_help_and_its_conformance(name: str) -> None:
    transport = transport_of(name)
    assert isinstance(transport, Transport)
    assert transport.name == name
    assert name in TRANSPORTS
    assert f"\n  {transport.usage} " in ADDRESSES
    section = ADDRESSES.partition(f"\n  {transport.usage} ")[2].partition("\n\n")[0]
    for option in (*transport.from_options, *transport.to_options):
        assert f"{option}=" in section, option


@pytest.mark.parametrize(
    ("parted", "expected"),
    [
        (True, "streams.x.listen: cannot listen on 127.0.0.1:{}: Address already in use"),
        (False, "streams.x: cannot listen on 127.0.0.1:{}: Address already in use"),
    ],
)
def test_a_listener_that_is_taken_is_named_as_it_was_described(parted: bool, expected: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        where = Where("tcp", "streams.x", parted=parted, endpoint=Endpoint("127.0.0.1", port))
        with pytest.raises(UserError) as caught:
            transport_of("tcp").offer(where, Counting("x"), print)
    assert str(caught.value) == expected.format(port)


@pytest.mark.parametrize(
    ("parted", "expected"),
    [
        (True, "streams.x.rerequest.listen: cannot listen on 127.0.0.1:{}: Address already in use"),
        (False, "streams.x: re-requests at 127.0.0.1:{}: Address already in use"),
    ],
)
def test_a_request_server_that_is_taken_is_named_as_it_was_described(
    parted: bool, expected: str
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        where = Where(
            "multicast",
            "streams.x",
            parted=parted,
            groups=(Group(Endpoint("239.192.9.9", port), "127.0.0.1"),),
            options={"rerequest": Endpoint("127.0.0.1", port)},
        )
        offer = transport_of("multicast").offer(where, Counting("x"), print)
        with pytest.raises(UserError) as caught:
            offer.publish("TEST")
    assert str(caught.value) == expected.format(port)


def test_a_group_without_a_way_is_told_of_and_left_out_or_an_error() -> None:
    group = Group(Endpoint("239.192.9.9", 26999), "192.0.2.1")
    where = Where("multicast", "streams.x", parted=True, groups=(group,))
    told: list[str] = []
    transport = transport_of("multicast")
    offer = transport.offer(where, Counting("x"), print, lambda key, reason: told.append(key))
    assert offer.publish("TEST").sequence_next == 1
    offer.close()
    assert told == ["streams.x.a"]
    with pytest.raises(UserError, match=r"^streams\.x: group 239\.192\.9\.9:26999 on 192\.0\.2\.1"):
        transport.offer(where, Counting("x"), print).publish("TEST")


@pytest.mark.parametrize(
    ("direction", "address", "expected"),
    [
        ("to", "pigeon:here", "found 'pigeon', expected shm:, multicast:"),
        ("from", "pigeon:here", "found 'pigeon', expected shm:, venue:, multicast:"),
        ("to", "shm:", "found no path, expected shm:PATH"),
        ("to", "tcp:here", "found 'here', expected"),
        ("to", "tcp:127.0.0.1:1?policy=wait", "found policy=wait, expected one of disconnect, co"),
        ("to", "tcp:127.0.0.1:1?window=64KiB&queue=1MiB", "found queue=1MiB, expected at most w"),
        ("from", "tcp:127.0.0.1:1?key=k", "found key alone, expected certificate, server_ca too"),
        ("from", "tcp:127.0.0.1:1?server_name=x", "found server_name alone, expected certificate,"),
        ("from", "multicast:239.1.1.1:1@lo,239.1.1.1:2@lo,239.1.1.1:3@lo", "found 3 groups, exp"),
        ("from", "shm:x?from=now&from=now", "found the option 'from' twice, expected it once"),
        ("from", "shm:x?form=now", "found the option 'form', expected one of reader, from"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(
    direction: str, address: str, expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        parse(direction, address)
    assert f"--{direction} {address}: {expected}" in str(caught.value)


def test_an_address_gives_the_options_that_the_end_takes(tmp_path: Path) -> None:
    where = parse("to", "tcp:127.0.0.1:5?window=1MiB&connections=3&session=A").where
    assert where.session == "A"
    assert where.options == {
        "window_bytes": 1 << 20,
        "queue_bytes": 1 << 20,
        "connections_max": 3,
    }
    where = parse("from", f"shm:{tmp_path}/r.ring?from=now").where
    assert (where.path, where.options) == (tmp_path / "r.ring", {"from_": "now"})
