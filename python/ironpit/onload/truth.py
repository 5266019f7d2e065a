"""Whether a socket is accelerated: proved for each one, for `onload_is_present` proves nothing.

A socket is handed over to the kernel by bind, connect, accept and some options, so that the proof
holds until the next such call. It asks for what only an accelerated endpoint can answer:

- a TCP connection: its windows, or MSG_WARM;
- a listener: that its endpoint itself listens;
- UDP: that its endpoint is one of UDP, and lends packet buffers.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ironpit.onload import stacks, zero_copy
from ironpit.onload.codes import STATE_UDP, Feature, Scope, state_number
from ironpit.onload.descriptors import Endpoint, check_feature, fd_stat, tcp_info
from ironpit.onload.errors import NotAcceleratedError, OnloadError
from ironpit.onload.library import Library, find

Path_ = Literal["accelerated", "passthrough", "kernel"]
LISTEN = 1
DRIVER = Path("/dev/onload")
PROBE_STACK = "probe"

REASONS = {
    "absent": "no library: Onload is not loaded in this process",
    "stub": "no library: only the stubs of libonload_ext.so are there",
    "late": "late dlopen: libonload.so was loaded after the start and intercepts nothing",
    "dropped": "preload dropped: the interpreter has file capabilities or is set-user-id, so the "
    "loader ignores LD_PRELOAD",
}


class Verdict(NamedTuple):
    """`passthrough`: the kernel's, though Onload still holds its descriptor."""

    path: Path_
    reason: str
    endpoint: str = ""

    @property
    def accelerated(self) -> bool:
        """Whether it was proved that no system call is needed."""
        return self.path == "accelerated"


class Facts(NamedTuple):
    """What the C library says of a socket."""

    family: int
    kind: int
    listening: bool
    local: str
    peer: str  # empty: not connected


def facts_of(fd: int) -> Facts:
    """Kind and addresses of a socket. OSError: it is none, or closed."""
    sock = socket.socket(fileno=fd)
    try:
        family, kind = sock.family, sock.type
        if family not in (socket.AF_INET, socket.AF_INET6):
            return Facts(family, kind, False, "", "")
        try:
            peer = str(sock.getpeername()[0])
        except OSError:
            peer = ""
        listening = kind == socket.SOCK_STREAM and bool(
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        )
        return Facts(family, kind, listening, str(sock.getsockname()[0]), peer)
    finally:
        sock.detach()  # the descriptor is somebody else's


class Truth:
    """Judges sockets of this process. Onload is looked for once: it cannot come later."""

    def __init__(
        self, library: Library | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.library = find() if library is None else library
        self._environment = os.environ if environment is None else environment
        self._probed: dict[int, str] = {}

    def judge(self, fd: int) -> Verdict:
        """The path of one socket. OSError: the descriptor is no socket."""
        facts = facts_of(fd)
        if self.library.state != "interposed":
            return Verdict("kernel", REASONS[self.library.state])
        try:
            endpoint = fd_stat(fd)
        except OnloadError as error:
            return Verdict("kernel", f"not proved: {error.strerror}")
        if endpoint is None:
            return Verdict("kernel", self._why_kernel(facts))
        return _proved(fd, facts, endpoint)

    def _option(self, name: str, default: str) -> str:
        return self._environment.get(name, default)

    def _why_kernel(self, facts: Facts) -> str:
        if facts.family not in (socket.AF_INET, socket.AF_INET6):
            return "not an IP socket: only TCP and UDP are accelerated"
        if self._option("EF_DONT_ACCELERATE", "0") != "0":
            return "EF_DONT_ACCELERATE is set"
        name = "EF_TCP" if facts.kind == socket.SOCK_STREAM else "EF_UDP"
        if self._option(name, "1") == "0":
            return f"{name} is 0"
        return self._why_not_even_a_fresh_one(facts) or self._why_address(facts)

    def _why_not_even_a_fresh_one(self, facts: Facts) -> str:
        """A socket that was bound to nothing yet has not been handed over: if it is not
        accelerated, the reason lies before any address."""
        if facts.kind not in self._probed:
            self._probed[facts.kind] = self._probe(facts)
        return self._probed[facts.kind]

    def _probe(self, facts: Facts) -> str:
        if _fresh_is_accelerated(facts):
            return ""
        try:
            with stacks.named(PROBE_STACK, Scope.PROCESS):
                if _fresh_is_accelerated(facts):
                    return "the stack's name says no: set_stackname(DONT_ACCELERATE)"
        except OnloadError:
            pass  # no other stack is to be had: what was found without one stands
        if self.library.minor_missing:
            return f"version mismatch: Onload offers extension API {self.library.version}"
        absent = "" if DRIVER.exists() else f": {DRIVER} is not there"
        return f"no driver: not even a socket without an address is accelerated{absent}"

    def _why_address(self, facts: Facts) -> str:
        if _is_loopback(facts.local) or _is_loopback(facts.peer):
            if facts.kind == socket.SOCK_DGRAM:
                return "loopback is not accelerated"
            return (
                "loopback is not accelerated "
                f"(EF_TCP_SERVER_LOOPBACK={self._option('EF_TCP_SERVER_LOOPBACK', '0')}, "
                f"EF_TCP_CLIENT_LOOPBACK={self._option('EF_TCP_CLIENT_LOOPBACK', '0')})"
            )
        interface = interface_of(facts.local)
        if interface:
            return f"interface {interface} ({driver_of(interface)}) is not accelerated"
        return f"the route by {facts.local or 'no address'} is not accelerated"


def _fresh_is_accelerated(facts: Facts) -> bool:
    with socket.socket(facts.family, facts.kind) as fresh:
        return fd_stat(fresh.fileno()) is not None


def _proved(fd: int, facts: Facts, endpoint: Endpoint) -> Verdict:
    """An endpoint alone is no proof: a descriptor that was handed over may still have one."""
    text = str(endpoint)
    if facts.kind == socket.SOCK_DGRAM:
        if endpoint.state & 0xF000 == STATE_UDP and _lends_buffers(fd):
            return Verdict("accelerated", "its endpoint is UDP and lends packet buffers", text)
        return Verdict("passthrough", "handed over: its endpoint lends no packet buffers", text)
    if facts.listening:
        if state_number(endpoint.state) == LISTEN:
            return Verdict("accelerated", "its endpoint listens", text)
        return Verdict("passthrough", "handed over: its endpoint does not listen", text)
    if _has_windows(fd):
        return Verdict("accelerated", "its endpoint is a connection", text)
    if facts.peer:
        return Verdict("passthrough", "handed over: its endpoint is no connection", text)
    return Verdict("passthrough", "nothing is proved before bind, connect or accept", text)


def _has_windows(fd: int) -> bool:
    try:
        return bool(tcp_info(fd))
    except OnloadError:
        pass  # perhaps an Onload without the function: the other proof has to do
    try:
        return check_feature(fd, Feature.MSG_WARM)
    except OnloadError:
        return False


def _lends_buffers(fd: int) -> bool:
    try:
        buffers: Any = zero_copy.alloc_buffers(fd, 1)
    except NotAcceleratedError:
        return False
    except OnloadError:
        return True  # no buffer now, or no such function: the endpoint's state has to do
    zero_copy.release_buffers(fd, [buffers[0].handle])
    return True


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def interface_of(address: str) -> str:
    """The name of the interface that has an address, or ""."""
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address == address for one in addresses):
            return name
    return ""


def driver_of(interface: str, sys: Path = Path("/sys")) -> str:
    """The kernel's driver of an interface, in words."""
    try:
        link = os.readlink(sys / "class/net" / interface / "device/driver")
    except OSError:
        return "no hardware"
    return f"driver {os.path.basename(link)}"
