"""Network namespaces joined by veth pairs, with a wire between them that does harm.

The wire is a namespace of its own. Either a bridge joins the hosts there, and nftables drops what
crosses it (each receiver's copy by itself), or a process in user space carries every Ethernet frame
from port to port, and drops, repeats and reorders on the way. netem is not needed. Everything is
removed when the network is closed, and by the kernel when its processes are gone.
"""

import array
import fcntl
import json
import secrets
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache

from tests.conformance.harm import Harm

SIOCETHTOOL = 0x8946
ETHTOOL_SET_TX_CHECKSUM = 0x17
WAIT_S = 30.0


def in_kernel(harm: Harm) -> bool:
    """Whether nftables does it here: drop packets, each by itself."""
    plain = harm.burst_packets == 1 and not harm.duplicated and not harm.reordered
    return plain and not harm.in_user_space and not drops_in_bridges()


def run(*command: str, text: str | None = None) -> str:
    """A command that has to succeed: what it printed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout


@cache
def drops_in_bridges() -> str:
    """Why nftables cannot drop at random in a bridge here; empty when it can."""
    name = f"ironpit-probe-{secrets.token_hex(3)}"
    try:
        run("ip", "netns", "add", name)
        run("ip", "netns", "exec", name, "nft", "-f", "-", text=_ruleset(["p"], 50))
    except (AssertionError, FileNotFoundError) as error:
        return str(error)
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return ""


def _ruleset(ports: list[str], loss: int) -> str:
    rules = "\n".join(
        f'oifname "{port}" ether type ip numgen random mod 100 < {loss} counter drop'
        for port in ports
    )
    chain = f"type filter hook forward priority 0; policy accept;\n{rules}\n"
    return f"table bridge harm {{\nchain crossing {{\n{chain}}}\n}}\n"


@dataclass
class Network:
    """Hosts 10.77.0.1, 10.77.0.2 … on one wire; the first one is the publisher's."""

    hosts: int
    name: str = field(default_factory=lambda: f"ironpit-{secrets.token_hex(3)}")
    namespaces: list[str] = field(default_factory=list)
    relay: subprocess.Popen[str] | None = None

    @property
    def wire(self) -> str:
        """The namespace that the packets cross."""
        return f"{self.name}-wire"

    def host(self, index: int) -> str:
        """A host's namespace."""
        return f"{self.name}-{index}"

    @staticmethod
    def address(index: int) -> str:
        """A host's IPv4 address on its interface eth0."""
        return f"10.77.0.{index + 1}"

    @staticmethod
    def inside(namespace: str, *command: str) -> list[str]:
        """The command line that runs a command in a namespace."""
        return ["ip", "netns", "exec", namespace, *command]

    def build(self) -> None:
        """Make namespaces and cables, without a wire between the ports yet."""
        for namespace in [self.wire, *map(self.host, range(self.hosts))]:
            run("ip", "netns", "add", namespace)
            self.namespaces.append(namespace)
            run(*self.inside(namespace, "ip", "link", "set", "lo", "up"))
            # Quiet: only what the test sends is on the wire.
            run(*self.inside(namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"))
        for index in range(self.hosts):
            host, port = self.host(index), f"p{index}"
            there = ["type", "veth", "peer", "name", port, "netns", self.wire]
            run("ip", "link", "add", "eth0", "netns", host, *there)
            run(*self.inside(self.wire, "ip", "link", "set", port, "up"))
            address = f"{self.address(index)}/24"
            run(*self.inside(host, "ip", "address", "add", address, "dev", "eth0"))
            run(*self.inside(host, "ip", "link", "set", "eth0", "up"))
            run(*self.inside(host, "ip", "route", "add", "224.0.0.0/4", "dev", "eth0"))

    def join(self, harm: Harm) -> None:
        """Put the wire in, with its harm; in user space where the kernel has no way of doing it."""
        if in_kernel(harm):
            self._bridge(harm)
        else:
            self._relay(harm)

    def _bridge(self, harm: Harm) -> None:
        add = ["ip", "link", "add", "bridge0", "type", "bridge", "mcast_snooping", "0"]
        run(*self.inside(self.wire, *add))
        ports = [f"p{index}" for index in range(self.hosts)]
        for port in ports:
            run(*self.inside(self.wire, "ip", "link", "set", port, "master", "bridge0"))
        run(*self.inside(self.wire, "ip", "link", "set", "bridge0", "up"))
        if harm.loss:
            rules = _ruleset(ports, harm.loss)
            run(*self.inside(self.wire, "nft", "-f", "-"), text=rules)

    def _relay(self, harm: Harm) -> None:
        for index in range(self.hosts):
            disable = [sys.executable, "-m", "tests.netns.network", "checksums", "eth0"]
            run(*self.inside(self.host(index), *disable))
        relay = [sys.executable, "-m", "tests.netns.relay", str(self.hosts)]
        self.relay = subprocess.Popen(
            self.inside(self.wire, *relay, json.dumps(asdict(harm))),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.relay.stdout is not None
        assert self.relay.stdout.readline() == "ready\n"

    def harmed(self) -> int:
        """How many packets were dropped, repeated or held back. Ends a user-space wire."""
        if self.relay is not None:
            out, _ = self.relay.communicate("", timeout=WAIT_S)
            return int(out)
        rules = run(*self.inside(self.wire, "nft", "-j", "list", "ruleset"))
        return sum(
            part["counter"]["packets"]
            for entry in json.loads(rules)["nftables"]
            for part in entry.get("rule", {}).get("expr", [])
            if "counter" in part
        )

    def close(self) -> None:
        """Remove everything that `build` and `join` made, however far they came."""
        if self.relay is not None:
            self.relay.kill()
            self.relay.communicate()
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


@contextmanager
def network(hosts: int, harm: Harm) -> Iterator[Network]:
    """A network with its harm, gone at the end."""
    built = Network(hosts)
    try:
        built.build()
        built.join(harm)
        yield built
    finally:
        built.close()


def compute_checksums(interface: str) -> None:
    """Have the checksums of what an interface sends in the packets: a cable that is a program gets
    them as they are, and veth leaves them to the receiving end's hardware, which there is not."""
    value = array.array("B", struct.pack("II", ETHTOOL_SET_TX_CHECKSUM, 0))
    request = struct.pack("16sQ16x", interface.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock.fileno(), SIOCETHTOOL, request)


if __name__ == "__main__":
    compute_checksums(sys.argv[2])
