"""Goal: what cannot be multicast is refused by the key that says so.

Method: the small venue's configuration with one line of market data changed.
"""

import re
from pathlib import Path

import pytest
from tests.venue import write_config

from ironcore.base.counter_set import CounterSet
from ironcore.messaging.multicast.subscription import MulticastSubscription
from ironpit.common.errors import UserError
from ironpit.config import ConfigError, load
from ironpit.config.scalars import Window
from ironpit.transport import stream_ends


def changed(directory: Path, pattern: str, text: str) -> Path:
    file = write_config(directory)
    before = file.read_text()
    after = re.sub(pattern, text, before)
    assert after != before
    file.write_text(after)
    return file


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"239\.192\.7\.1", "10.0.0.1", r"market_data\.a\.group: .*expected a multicast group"),
        (
            r'(    a: (\{group: "[0-9.:]+").*)',
            r"\1\n    b: \2, interface: 127.0.0.1}",
            r"market_data\.b\.group: .*expected another group than a's",
        ),
        (
            r"interface: 127\.0\.0\.1\}",
            "interface: eth1, send: udp}",
            r"market_data\.a\.send: found 'udp', expected one of kernel, af_xdp, auto",
        ),
        (
            r"interface: 127\.0\.0\.1\}",
            "interface: eth1, send: af_xdp}\n    ttl: 1",
            r"market_data\.a\.send: found af_xdp with ttl: 1 and loop: true, expected ttl: 1",
        ),
        (
            r"interface: 127\.0\.0\.1\}",
            "interface: eth1, send: af_xdp}\n    loop: false",
            r"market_data\.a\.send: found af_xdp with ttl: 0 and loop: false, expected ttl: 1",
        ),
        (
            r"interface: 127\.0\.0\.1\}",
            "interface: eth1, receive: af_xdp, af_xdp: {busy_poll: 1500ns}}",
            r"market_data\.a\.af_xdp\.busy_poll: found 1500ns, expected whole microseconds",
        ),
        (
            r'(    a: \{group: "[0-9.]+):([0-9]+).*',
            r'\1:\2", interface: eth1, receive: af_xdp}'
            "\n"
            r'    b: {group: "239.192.7.2:\2", interface: eth1, receive: af_xdp}',
            r"market_data\.b\.receive: found af_xdp on 'eth1' again, expected another interface",
        ),
        (
            r"(rerequest: \{.*)\}",
            r"\1, window: 3min5}",
            r"rerequest\.window: .*expected a size .*; or a whole number with a unit",
        ),
    ],
)
def test_a_value_that_cannot_be_is_named_by_its_key(
    tmp_path: Path, pattern: str, text: str, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        load(changed(tmp_path, pattern, text))


@pytest.mark.parametrize("at", ["order_entry.listen", "streams.market_data.snapshot.listen"])
def test_a_snapshot_server_listens_on_an_address_of_its_own(tmp_path: Path, at: str) -> None:
    listen = "127.0.0.1:26799"
    stream = f"copy: {{transport: tcp, listen: '{listen}'}}"
    file = changed(tmp_path, r"( +)(rerequest: .*)", rf"\1\2\n\1snapshot: {{listen: '{listen}'}}")
    text = file.read_text()
    if at == "order_entry.listen":
        text = re.sub(r'(order_entry: .listen: )"[0-9.:]+"', rf'\1"{listen}"', text)
    else:
        text = text.replace("\nstreams:\n", f"\nstreams:\n  {stream}\n")
        text = text.replace("stages: [", "stages: [bridge, ", 1)
    file.write_text(text)
    expected = re.escape(f"found {listen}, expected an address of its own (see {at})")
    with pytest.raises(ConfigError, match=expected):
        load(file)


def test_an_interface_that_nobody_has_is_named_by_its_key(tmp_path: Path) -> None:
    stream = load(changed(tmp_path, r"interface: 127\.0\.0\.1", "interface: nosuch0")).streams
    degraded: list[str] = []
    with pytest.raises(UserError, match=r"market_data\.a\.interface: found 'nosuch0', expected"):
        stream_ends.publish(
            stream.market_data,
            "streams.market_data",
            "TEST",
            "market-data",
            CounterSet,
            lambda key, reason: degraded.append(key),
        )
    assert degraded == []


def test_a_subscriber_hears_the_session_it_was_configured_for_and_no_other(tmp_path: Path) -> None:
    stream = load(write_config(tmp_path)).streams.market_data
    with stream_ends.subscribe(stream, "TEST") as end:
        assert isinstance(end.end, MulticastSubscription)
        assert end.end.session == "TEST"


def test_a_window_is_a_size_or_a_time(tmp_path: Path) -> None:
    for text, expected in (
        ("8MiB", Window(size_bytes=8 << 20)),
        ("10min", Window(time_ns=6 * 10**11)),
    ):
        file = changed(tmp_path / text, r"(rerequest: \{.*)\}", rf"\1, window: {text}}}")
        rerequest = load(file).streams.market_data.rerequest
        assert rerequest is not None
        assert rerequest.window == expected
