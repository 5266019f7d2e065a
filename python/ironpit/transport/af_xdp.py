"""Multicast feeds past the kernel's stack: AF_XDP where the host can, and the truth about it.

The ordinary socket of a feed stays: it joins the group, holds the sending port, and carries the
feed where AF_XDP is refused. A feed that asks by name (`af_xdp`) and gets the kernel is degraded,
or refused, as the configuration says; `auto` takes what there is.
"""

import errno
import fcntl
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ironcore.base.counter_declaration import Declaration, Gauge
from ironcore.base.counter_set import CounterSet
from ironcore.net.af_xdp.program import attached_program, program_name
from ironcore.net.af_xdp.receive import XDP_RECEIVE_COUNTERS, XdpFeedReceiver
from ironcore.net.af_xdp.send import XDP_SEND_COUNTERS, XdpFeedSender, XdpSendSocket
from ironpit.config.scalars import Endpoint

Way = Literal["kernel", "af_xdp", "auto"]
Direction = Literal["send", "receive"]
Counters = Callable[[str, tuple[Declaration, ...]], CounterSet]

# linux/sockios.h, linux/if_arp.h
SIOCGIFADDR, SIOCGIFMTU, SIOCGIFHWADDR = 0x8915, 0x8921, 0x8927
ARPHRD_ETHER = 1
HELP_BYTES_MAX = 128
# The values of the counter `mode`: never zero, so that it is always shown.
MODES = {"none": 1, "generic": 2, "copy": 3, "zero-copy": 4}


@dataclass(frozen=True)
class Wish:
    """How one feed asks to be sent and received. refuse: rather than go by the kernel, when AF_XDP
    was asked for by name."""

    send: Way = "kernel"
    receive: Way = "kernel"
    send_queue: int = 0
    receive_queue: int = 0
    busy_poll_ns: int = 0
    busy_poll_budget: int = 64
    refuse: bool = False


BY_KERNEL = Wish()


@dataclass(frozen=True)
class Truth:
    """How one feed is really carried. mode: "zero-copy", "copy", "generic", or "none": by the
    kernel. reason: why it is no better. asked: AF_XDP was asked for by name."""

    direction: Direction
    group: str
    mode: str
    reason: str
    asked: bool
    counters: CounterSet = field(compare=False, repr=False)

    @property
    def degraded(self) -> bool:
        """Whether the feed goes by the kernel although it was to go by AF_XDP."""
        return self.asked and self.mode == "none"

    def __str__(self) -> str:
        return f"{self.group}: {self.direction} {_words(self.mode, self.reason)}"

    def as_json(self) -> dict[str, object]:
        """For reports, with the counters as they are now."""
        return {
            "direction": self.direction,
            "group": self.group,
            "mode": self.mode,
            "reason": self.reason,
            "counters": self.counters.snapshot(),
        }


class XdpRefusedError(Exception):
    """AF_XDP was asked for by name, is refused, and the kernel's path is not wanted instead."""


def in_memory(name: str, names: tuple[Declaration, ...]) -> CounterSet:
    """Counters that no file keeps."""
    return CounterSet(name, names)


def _words(mode: str, reason: str) -> str:
    how = "by the kernel" if mode == "none" else f"by AF_XDP, {mode}"
    return f"{how} ({reason})" if reason else how


def _truth(
    direction: Direction,
    group: str,
    mode: str,
    reason: str,
    asked: bool,
    make: Callable[[tuple[Declaration, ...]], CounterSet],
) -> Truth:
    """With its counters, of which `mode` says the truth to whoever looks at them later."""
    names = XDP_SEND_COUNTERS if direction == "send" else XDP_RECEIVE_COUNTERS
    text = f"1 kernel, 2 generic, 3 copy, 4 zero-copy: {direction} {_words(mode, reason)}"
    help_text = text.encode()[:HELP_BYTES_MAX].decode(errors="ignore")
    counters = make((Gauge("mode", help_text), *(names if mode != "none" else ())))
    counters.set("mode", MODES[mode])
    return Truth(direction, group, mode, reason, asked, counters)


def _asked(interface: str, request: int) -> bytes:
    """What the kernel says of an interface by ioctl (netdevice(7)). OSError: there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return fcntl.ioctl(sock.fileno(), request, struct.pack("16s24x", interface.encode()[:15]))


def interface_name(interface: str) -> str:
    """The name of an interface given by its IPv4 address, or the name itself. OSError: none."""
    try:
        wanted = socket.inet_aton(interface)
    except OSError:
        return interface
    for _, name in socket.if_nameindex():
        try:
            if _asked(name, SIOCGIFADDR)[20:24] == wanted:
                return name
        except OSError:
            continue
    raise OSError(errno.ENODEV, f"no interface has {interface}")


def _mac(name: str) -> bytes:
    answer = _asked(name, SIOCGIFHWADDR)
    (kind,) = struct.unpack_from("H", answer, 16)
    if kind != ARPHRD_ETHER:
        raise OSError(errno.EOPNOTSUPP, f"{name} is no Ethernet interface")
    return answer[18:24]


class Senders:
    """Opens the AF_XDP side of feeds that one publication sends; feeds on one queue of one
    interface share a socket."""

    def __init__(self) -> None:
        self.sockets: dict[tuple[str, int], XdpSendSocket] = {}

    def open(
        self,
        group: Endpoint,
        interface: str,
        wish: Wish,
        sock: socket.socket,
        *,
        ttl: int,
        loop: bool,
        name: str = "",
        counters: Counters = in_memory,
    ) -> tuple[XdpFeedSender | None, Truth | None]:
        """The sender, None by the kernel, and the truth, None when nothing was asked for.

        sock: connected to the group. XdpRefusedError.
        """
        if wish.send == "kernel":
            return None, None
        where, asked = f"{group} on {interface}", wish.send == "af_xdp"

        def told(mode: str, reason: str) -> Truth:
            return _truth(
                "send", where, mode, reason, asked, lambda names: counters(f"{name}-send", names)
            )

        try:
            if ttl == 0 or loop:
                raise OSError(
                    errno.EOPNOTSUPP,
                    "only the kernel's path reaches this host itself, as ttl: 0 and loop: true ask",
                )
            link = interface_name(interface)
            mac, (mtu,) = _mac(link), struct.unpack_from("i", _asked(link, SIOCGIFMTU), 16)
            place = (link, wish.send_queue)
            if place not in self.sockets:
                self.sockets[place] = XdpSendSocket(
                    socket.if_nametoindex(link), queue=wish.send_queue
                )
        except OSError as error:
            if asked and wish.refuse:
                raise XdpRefusedError(_text(error)) from error
            return None, told("none", _text(error))
        shared = self.sockets[place]
        truth = told(shared.mode, shared.reason)
        source: tuple[str, int] = sock.getsockname()
        target = (group.address, group.port)
        return (
            XdpFeedSender(shared, mac, source, target, ttl=ttl, mtu=mtu, counters=truth.counters),
            truth,
        )


def open_receiver(
    group: Endpoint,
    interface: str,
    wish: Wish,
    *,
    name: str = "",
    counters: Counters = in_memory,
) -> tuple[XdpFeedReceiver | None, Truth | None]:
    """The receiver, None by the kernel, and the truth, None when nothing was asked for.

    XdpRefusedError: also when another process takes the feed from this interface, for the kernel's
    path would then bring none of it.
    """
    if wish.receive == "kernel":
        return None, None
    where, asked = f"{group} on {interface}", wish.receive == "af_xdp"
    truths: list[Truth] = []

    def told(mode: str, reason: str) -> CounterSet:
        truths.append(
            _truth(
                "receive",
                where,
                mode,
                reason,
                asked,
                lambda names: counters(f"{name}-receive", names),
            )
        )
        return truths[0].counters

    try:
        index = socket.if_nametoindex(interface_name(interface))
        number, program = attached_program(index)
        if program == program_name(group.address, group.port):
            raise XdpRefusedError(f"XDP program {number} of another process takes this feed")
        if number:
            raise OSError(
                errno.EBUSY,
                f"XDP program {number} {program!r} is on the interface, which has room for one",
            )
        receiver = XdpFeedReceiver(
            index,
            group.address,
            group.port,
            queue=wish.receive_queue,
            busy_poll_us=wish.busy_poll_ns // 1000,
            budget=wish.busy_poll_budget,
            counters=told,
        )
    except OSError as error:
        if asked and wish.refuse:
            raise XdpRefusedError(_text(error)) from error
        told("none", _text(error))
        return None, truths[0]
    return receiver, truths[0]


def _text(error: OSError) -> str:
    return error.strerror or str(error)
