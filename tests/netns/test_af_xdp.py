"""Goal: what comes or goes by AF_XDP is what would come or go by the kernel, whatever else is on
the wire; nothing of it outlives its process; who may not have it is told why and has the kernel.

Method: publisher and subscribers in network namespaces of their own, which digest every frame;
frames written by hand, put on the wire beside an AF_XDP and a kernel subscriber.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from tests.conformance.harm import Harm
from tests.netns.crossing import cross
from tests.netns.network import Network, network, run

from ironcore.net.af_xdp.frames import build
from ironcore.wire import moldudp64

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_tool("ip", "nft", "sysctl", "setpriv", "ethtool"),
]

COUNT = 20_000
PLACES = 4096  # of a socket, and slots of its largest ring
SLOTS = 2048  # of the ring that frames arrive in
GROUP, PORT = "239.77.2.2", 26400
MAC = bytes.fromhex("020000000001")
STRANGE = [sys.executable, "-m", "tests.netns.strange_frames"]
XDP: dict[str, Any] = {"receive": "af_xdp"}
WAIT_S = 10.0


@pytest.mark.parametrize("send", ["kernel", "af_xdp"])
@pytest.mark.parametrize("harm", [Harm(), Harm(loss=5)], ids=["whole", "5 % lost"])
def test_the_feed_is_complete_and_the_same_as_by_the_kernel(send: str, harm: Harm) -> None:
    # Small packets: all rings go round more than once.
    publisher = {"send": send, "burst": 2, "interval_ns": 100_000}
    ways: list[dict[str, Any]] = [publisher, XDP, {}, {**XDP, "busy_poll_ns": 20_000}]
    seen = cross(harm, COUNT, subscribers=3, ways=ways)
    for subscriber in seen.subscribers:
        assert subscriber["gaps"] == []
        assert subscriber["next"] == COUNT + 1
        assert subscriber["digest"] == seen.publisher["digest"]
    sending = seen.publisher["feeds"]
    assert [feed["mode"] for feed in sending] == (["copy"] if send == "af_xdp" else [])
    packets = seen.publisher["counters"]["packets"] + seen.publisher["counters"]["heartbeats"]
    assert [feed["counters"]["sent"] for feed in sending] == ([packets] if sending else [])
    assert packets > 2 * PLACES
    by_xdp, by_kernel, polled = seen.subscribers
    assert by_kernel["feeds"] == []
    for subscriber in (by_xdp, polled):
        (feed,) = subscriber["feeds"]
        counters = feed["counters"]
        assert feed["mode"] == "copy"
        assert feed["reason"] == "the driver refused zero-copy: Operation not supported"
        assert counters["received"] == subscriber["counters"]["packets_a"] > 0
        assert counters["by_kernel"] == counters["corrupt"] == counters["drops"] == 0
        # One in 65,536 that are left to a card happens to be right.
        unfilled = counters["unfilled"] / counters["received"]
        assert unfilled > 0.99 if send == "kernel" else unfilled == 0
        if not harm.loss:
            assert subscriber["counters"]["recovered"] == 0
    assert by_xdp["feeds"][0]["counters"]["calls"] == 0
    assert polled["feeds"][0]["counters"]["calls"] > 0


class End:
    """A subscriber or publisher in a host's namespace, and what it said when it was opened."""

    def __init__(
        self,
        built: Network,
        host: int,
        verb: str = "listen",
        *,
        address: str = "",
        group: str = GROUP,
        without: str = "",
        **wish: Any,
    ) -> None:
        bound = ["setpriv", "--bounding-set", without] if without else []
        where = [address or built.address(host), group, str(PORT), json.dumps(wish)]
        self.process = subprocess.Popen(
            built.inside(built.host(host), *bound, *STRANGE, verb, *where),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = self._line()

    def _line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    @property
    def feed(self) -> Any:
        (feed,) = self.said["feeds"]
        return feed

    def tell(self, text: str) -> Any:
        """A line to it, and what it answers."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        return self._line()

    def look(self) -> Any:
        """The frames so far, when nothing more comes."""
        return self.tell("look")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@contextmanager
def end(built: Network, host: int, verb: str, **options: Any) -> Iterator[End]:
    found = End(built, host, verb, **options)
    try:
        yield found
    finally:
        found.kill()


def listener(built: Network, host: int = 1, **options: Any) -> AbstractContextManager[End]:
    return end(built, host, "listen", **options)


def attached(built: Network, host: int = 1) -> Any:
    """The XDP program on a host's interface, None for none."""
    (link,) = json.loads(run(*built.inside(built.host(host), "ip", "-j", "link", "show", "eth0")))
    return link.get("xdp")


def send(built: Network, *frames: bytes) -> None:
    run(*built.inside(built.host(0), *STRANGE, "send", *(frame.hex() for frame in frames)))


def packet(number: int, text: str) -> bytes:
    return moldudp64.encode_packet("STRANGE", number, [text.encode()])


def frame(number: int, text: str, port: int = PORT, group: str = GROUP) -> bytes:
    return build(packet(number, text), MAC, "10.77.0.1", 41000, group, port, 4)


def fragments(number: int, text: str) -> list[bytes]:
    """A datagram in two: 24 bytes of UDP, then the rest."""
    whole = bytearray(frame(number, text))
    found = []
    for first, last in ((34, 58), (58, len(whole))):
        part = whole[:34] + whole[first:last]
        more = 0x2000 if last < len(whole) else 0
        part[16:18] = (len(part) - 14).to_bytes(2, "big")
        part[18:20] = b"\x12\x34"
        part[20:22] = (more | (first - 34) // 8).to_bytes(2, "big")
        found.append(with_ip_checksum(part))
    return found


def with_ip_checksum(changed: bytearray) -> bytes:
    header_bytes = (changed[14] & 15) * 4
    changed[24:26] = b"\0\0"
    total = sum(
        int.from_bytes(changed[at : at + 2], "big") for at in range(14, 14 + header_bytes, 2)
    )
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    changed[24:26] = (total ^ 0xFFFF).to_bytes(2, "big")
    return bytes(changed)


def with_options(number: int, text: str) -> bytes:
    whole = bytearray(frame(number, text))
    whole[34:34] = b"\x01\x01\x01\x00"  # three that do nothing, and the end (RFC 791)
    whole[14] = 0x46
    whole[16:18] = (len(whole) - 14).to_bytes(2, "big")
    return with_ip_checksum(whole)


def test_strange_frames_cost_a_counter_or_go_by_the_kernel() -> None:
    good = frame(1, "one")
    corrupt = bytearray(frame(2, "CORRUPT"))
    corrupt[-1] ^= 1
    tagged = good[:12] + b"\x81\x00\x00\x05" + frame(2, "TAGGED")[12:]
    too_long = bytearray(frame(2, "TOO LONG"))
    too_long[38:40] = (len(too_long)).to_bytes(2, "big")
    with network(3, Harm()) as built, listener(built, 1, **XDP) as xdp, listener(built, 2) as plain:
        # Otherwise the tag is beside the frame, as a card does that strips it, where no XDP program
        # sees it.
        for port in ("p1", "p2"):
            run(*built.inside(built.wire, "ethtool", "-K", port, "txvlan", "off"))
        send(built, good)
        send(built, bytes(corrupt), tagged, bytes(too_long), frame(2, "PORT", PORT + 1))
        send(built, frame(2, "CUT")[:41], frame(2, "GROUP", group="239.77.2.3"))
        send(built, *fragments(2, "two, in fragments"), with_options(3, "three, with options"))
        send(built, frame(4, "four"))
        by_xdp, by_kernel = xdp.look(), plain.look()
    expected = ["one", "two, in fragments", "three, with options", "four"]
    assert by_kernel["frames"] == expected
    assert by_xdp["frames"] == expected
    counters = by_xdp["feeds"][0]["counters"]
    assert {name: value for name, value in counters.items() if value} == {
        "mode": 3,
        "received": 2,
        "by_kernel": 2,
        "malformed": 1,
        "corrupt": 1,
    }


def test_frames_that_find_no_room_are_counted() -> None:
    count = SLOTS + 500
    with network(2, Harm()) as built, listener(built, **XDP) as xdp:
        send(built, *(frame(number, f"{number}") for number in range(1, count + 1)))
        found = xdp.look()
    assert found["frames"] == [f"{number}" for number in range(1, SLOTS + 1)]
    assert found["feeds"][0]["counters"]["received"] == SLOTS
    assert found["feeds"][0]["counters"]["drops"] == 500


def test_a_driver_without_xdp_is_generic() -> None:
    here: dict[str, Any] = {"address": "127.0.0.1"}
    with (
        network(1, Harm()) as built,
        listener(built, 0, **here, **XDP) as xdp,
        end(built, 0, "publish", **here) as publisher,
    ):
        assert xdp.feed["mode"] == "generic"
        assert "the driver refused the XDP program" in xdp.feed["reason"]
        publisher.tell("one")
        assert xdp.look()["frames"] == ["one"]


def await_forwarding(built: Network, port: str) -> None:
    """The wire's bridge takes a port up again some time after its cable."""
    show = built.inside(built.wire, "ip", "-j", "-d", "link", "show", port)
    deadline_s = time.monotonic() + WAIT_S
    while json.loads(run(*show))[0]["linkinfo"]["info_slave_data"]["state"] != "forwarding":
        assert time.monotonic() < deadline_s


def test_an_interface_that_goes_down_costs_packets_and_comes_back() -> None:
    def link(state: str) -> None:
        run(*built.inside(built.host(0), "ip", "link", "set", "eth0", state))

    with (
        network(2, Harm()) as built,
        listener(built) as plain,
        end(built, 0, "publish", send="af_xdp") as publisher,
    ):
        assert publisher.tell("one")["counters"]["send_errors"] == 0
        link("down")
        down = publisher.tell("two")
        assert down["counters"]["send_errors"] == down["counters"]["packets_left"] == 1
        assert down["feeds"][0]["counters"]["refused"] > 0
        link("up")
        await_forwarding(built, "p0")
        up = publisher.tell("three")
        assert up["counters"]["send_errors"] == 1
        frames = plain.look()["frames"]
        assert frames == ["one", "two", "three"]  # the card's ring still had the second one


def test_two_feeds_of_one_interface_share_a_socket_and_one_is_received_by_the_kernel() -> None:
    b: dict[str, Any] = {"b": "239.77.1.2"}
    ways = [{**b, "send": "af_xdp"}, {**b, "receive": "auto"}]
    seen = cross(Harm(), 2_000, ways=ways)
    (subscriber,) = seen.subscribers
    assert [feed["mode"] for feed in seen.publisher["feeds"]] == ["copy", "copy"]
    assert [feed["mode"] for feed in subscriber["feeds"]] == ["copy", "none"]
    assert "has room for one" in subscriber["feeds"][1]["reason"]
    assert subscriber["digest"] == seen.publisher["digest"]
    assert subscriber["counters"]["packets_b"] > 0


def test_a_killed_process_leaves_nothing_on_the_interface() -> None:
    with network(2, Harm()) as built:
        with listener(built, **XDP) as first:
            assert attached(built) is not None
            first.kill()
            deadline_s = time.monotonic() + WAIT_S
            while attached(built) is not None:
                assert time.monotonic() < deadline_s
        with listener(built, **XDP) as second:
            assert second.feed["mode"] == "copy"
            send(built, frame(1, "after"))
            assert second.look()["frames"] == ["after"]


def test_a_feed_that_another_process_takes_is_refused_and_another_goes_by_the_kernel() -> None:
    with network(2, Harm()) as built, listener(built, **XDP) as first:
        for receive in ("af_xdp", "auto"):
            with listener(built, receive=receive) as second:
                refused = second.said["refused"]
                assert "of another process takes this feed" in refused
        with listener(built, group="239.77.2.3", **XDP) as other:
            assert other.feed["mode"] == "none"
            assert "is on the interface, which has room for one" in other.feed["reason"]
            send(built, frame(1, "mine"), frame(1, "theirs", group="239.77.2.3"))
            assert first.look()["frames"] == ["mine"]
            assert other.look()["frames"] == ["theirs"]


def test_a_feed_that_was_closed_is_opened_again_at_once() -> None:
    with network(2, Harm()) as built:
        again = [*STRANGE, "again", built.address(1), GROUP, str(PORT)]
        modes = json.loads(run(*built.inside(built.host(1), *again)))
        assert modes == ["copy"] * 10
        assert attached(built) is None


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ("-net_admin,-sys_admin", "CAP_NET_ADMIN and CAP_BPF are needed, or CAP_SYS_ADMIN"),
        ("-bpf,-sys_admin", "CAP_NET_ADMIN and CAP_BPF are needed, or CAP_SYS_ADMIN"),
        ("-net_raw", "CAP_NET_RAW is needed"),
    ],
)
def test_without_the_right_the_reason_is_told_and_the_kernel_carries_the_feed(
    without: str, reason: str
) -> None:
    with network(2, Harm()) as built:
        with listener(built, without=without, **XDP) as found:
            assert attached(built) is None
            assert found.feed["mode"] == "none"
            assert reason in found.feed["reason"]
            send(built, frame(1, "one"))
            assert found.look()["frames"] == ["one"]
        with listener(built, without=without, refuse=True, **XDP) as refused:
            assert reason in refused.said["refused"]


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"receive_queue": 7}, "binding the AF_XDP socket to queue 7, which the interface may not"),
        ({"busy_poll_ns": 20_000, "busy_poll_budget": 64}, ""),
    ],
)
def test_a_queue_that_is_not_there_is_named(wish: dict[str, Any], reason: str) -> None:
    with network(2, Harm()) as built, listener(built, **XDP, **wish) as found:
        assert found.feed["mode"] == ("none" if reason else "copy")
        assert reason in found.feed["reason"]
