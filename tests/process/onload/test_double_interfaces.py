"""The Onload double accelerates by interface, and its epoll sets see only what epoll_ctl added.

Method: as test_double.py; two interfaces in a network namespace, with nobody at the other end of
their cables; one of them has a card.
"""

import errno
import os
import subprocess
import sys
import textwrap

import pytest
from tests.doubles.onload_build import preloaded
from tests.process.onload.preloaded import PRELUDE, run

pytestmark = pytest.mark.needs_tool("cc")

INTERFACES = """
ip link set lo up
for n in 0 1; do
    ip link add card$n type veth peer name far$n && ip addr add 10.9.$n.1/24 dev card$n
    ip link set card$n up && ip link set far$n up
done
exec "$@"
"""


def run_among_interfaces(program: str, **settings: str | int) -> str:
    """As `run`, on a host with 10.9.0.1 on card0 and 10.9.1.1 on card1; card0 is a card."""
    environment = preloaded(**settings)
    library = environment.pop("LD_PRELOAD")
    python = ["env", f"LD_PRELOAD={library}", sys.executable, "-c"]
    said = subprocess.run(
        [
            "unshare",
            "-n",
            "sh",
            "-c",
            INTERFACES,
            "sh",
            *python,
            PRELUDE + textwrap.dedent(program),
        ],
        env={**os.environ, **environment, "MOCK_ONLOAD_IFACES": "card0"},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


@pytest.mark.needs_root
@pytest.mark.needs_tool("unshare", "ip")
def test_an_address_is_accelerated_if_its_interface_is() -> None:
    program = """
        def bound(address, kind):
            s = socket.socket(type=kind)
            s.bind((address, 0))
            return stat(s)
        for address in "10.9.0.1", "10.9.1.1", "0.0.0.0", "127.0.0.1":
            print(bound(address, socket.SOCK_STREAM), bound(address, socket.SOCK_DGRAM), end=" ")
        """
    settings = {"EF_TCP_CLIENT_LOOPBACK": 0, "EF_TCP_SERVER_LOOPBACK": 0}
    assert run_among_interfaces(program, **settings) == "1 1 0 0 1 1 0 0"


@pytest.mark.needs_root
@pytest.mark.needs_tool("unshare", "ip")
def test_a_connection_is_accelerated_if_its_route_is() -> None:
    program = """
        def connected(address, kind):
            s = socket.socket(type=kind)
            s.setblocking(False)
            s.connect_ex((address, 9))
            return stat(s)
        for address in "10.9.0.7", "10.9.1.7", "10.9.0.1":
            for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                print(connected(address, kind), end=" ")
        """
    settings = {"EF_TCP_CLIENT_LOOPBACK": 0, "EF_TCP_SERVER_LOOPBACK": 0}
    assert run_among_interfaces(program, **settings) == "1 1 0 0 0 0"


@pytest.mark.needs_root
@pytest.mark.needs_tool("unshare", "ip")
def test_what_a_listener_of_all_addresses_accepts_is_judged_by_its_own_address() -> None:
    program = """
        listener = socket.create_server(("0.0.0.0", 0))
        for address in "10.9.0.1", "10.9.1.1", "127.0.0.1":
            client = socket.create_connection((address, listener.getsockname()[1]))
            served, _ = listener.accept()
            client.sendall(b"hello")
            print(stat(served), served.recv(9), end=" ")
        """
    settings = {"EF_TCP_CLIENT_LOOPBACK": 0, "EF_TCP_SERVER_LOOPBACK": 0}
    said = run_among_interfaces(program, **settings)
    assert said == "1 b'hello' 0 b'hello' 0 b'hello'"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="a system call by its number there")
def test_a_descriptor_that_came_into_a_set_past_epoll_ctl_is_never_ready() -> None:
    program = """
        client, served = pair()
        past, by = select.epoll(), select.epoll()
        event = (1).to_bytes(4, "little") + served.fileno().to_bytes(8, "little")
        assert onload.syscall(233, past.fileno(), 1, served.fileno(), event) == 0
        by.register(served, select.EPOLLIN)
        client.sendall(b"here")
        print(len(by.poll(5)), len(past.poll(0.05)))
        """
    assert run(program) == "1 0"
    assert run(program, MOCK_ONLOAD_PATH=0) == "1 1"


def test_only_an_unused_connection_moves_to_another_stack() -> None:
    program = """
        client, served = pair()
        onload.onload_set_stackname(0, 4, b"other")
        print(onload.onload_move_fd(served.fileno()), stack_name(served))
        client, served = pair()
        client.sendall(b"x")
        print(onload.onload_move_fd(served.fileno()) == -errno.EINVAL)
        print(onload.onload_move_fd(0) == -errno.EINVAL)
        """
    assert run(program) == "0 other\nTrue\nTrue"


def test_time_stamps_are_refused_to_what_cannot_have_them() -> None:
    program = """
        s = socket.socket(type=socket.SOCK_DGRAM)
        ask = onload.onload_timestamping_request
        print(ask(s.fileno(), 2), ask(s.fileno(), 8) == -errno.EINVAL, ask(0, 2) == -errno.ENOTTY)
        """
    assert run(program) == f"{-errno.EOPNOTSUPP} True True"
    assert run(program, EF_RX_TIMESTAMPING=3) == "0 True True"
