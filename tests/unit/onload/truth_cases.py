"""Goal: the truth about a socket is what the double makes of it, with the reason.

Method: run by test_truth.py in interpreters under the double, each with the settings that TRUTH
names; a case runs where its name stands there.
"""

import os
import select
import socket
from collections.abc import Callable

import pytest
from tests.unit.onload.ends import connection

from ironpit.onload import descriptors, stacks
from ironpit.onload.truth import Truth, Verdict

Case = Callable[[], None]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def judged(sock: socket.socket) -> Verdict:
    return Truth().judge(sock.fileno())


def refused(sock: socket.socket, reason: str, path: str = "kernel") -> None:
    verdict = judged(sock)
    assert verdict.path == path, verdict
    assert reason in verdict.reason, verdict
    assert not verdict.accelerated


@case
def accelerated() -> None:
    with connection() as all_:
        for sock, why in zip(all_, ("listens", "connection", "connection"), strict=True):
            verdict = judged(sock)
            assert verdict.accelerated, verdict
            assert why in verdict.reason
            assert verdict.endpoint
        duplicate = socket.socket(fileno=os.dup(all_[1].fileno()))
        assert judged(duplicate).accelerated
        duplicate.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("0.0.0.0", 0))
        verdict = judged(datagrams)
        assert verdict.accelerated, verdict
        assert "lends packet buffers" in verdict.reason


@case
def nothing_is_proved_too_early() -> None:
    with socket.socket() as fresh:
        refused(fresh, "nothing is proved before", "passthrough")


@case
def stack_name() -> None:
    stacks.set_name(stacks.DONT_ACCELERATE)
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        refused(listener, "the stack's name says no")


@case
def unix() -> None:
    for sock in socket.socketpair():
        refused(sock, "not an IP socket")
        sock.close()


@case
def purpose() -> None:
    """A socket that was opened for the kernel on purpose, by an address that is accelerated."""
    fd = descriptors.socket_nonaccel(socket.AF_INET, socket.SOCK_STREAM)
    with socket.socket(fileno=fd) as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        refused(listener, "the route by 0.0.0.0 is not accelerated")


@case
def loopback() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        refused(listener, "loopback is not accelerated (EF_TCP_SERVER_LOOPBACK=0")


@case
def interface() -> None:
    import psutil

    address = next(
        one.address
        for name, addresses in psutil.net_if_addrs().items()
        for one in addresses
        if name != "lo" and one.family == socket.AF_INET
    )
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        refused(listener, "interface ")


@case
def passthrough() -> None:
    """An epoll set holds what connect hands over: onload_fd_stat still says 1."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as near:
        poller = select.epoll()
        poller.register(near.fileno(), select.EPOLLIN)
        near.connect(listener.getsockname())
        assert descriptors.fd_stat(near.fileno()) is not None
        refused(near, "handed over", "passthrough")
    with socket.socket() as kept:
        poller.register(kept.fileno(), select.EPOLLIN)
        kept.bind(("127.0.0.1", 0))
        kept.listen()
        assert descriptors.fd_stat(kept.fileno()) is not None
        refused(kept, "handed over", "passthrough")


@case
def passthrough_datagrams() -> None:
    poller = select.epoll()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        poller.register(datagrams.fileno(), select.EPOLLIN)
        datagrams.bind(("127.0.0.1", 0))
        assert descriptors.fd_stat(datagrams.fileno()) is not None
        refused(datagrams, "handed over", "passthrough")


@case
def dont_accelerate() -> None:
    with socket.socket() as sock:
        refused(sock, "EF_DONT_ACCELERATE is set")


@case
def no_tcp() -> None:
    with socket.socket() as sock:
        refused(sock, "EF_TCP is 0")


@case
def no_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        refused(sock, "EF_UDP is 0")


@case
def no_driver() -> None:
    with socket.socket() as sock:
        refused(sock, "no driver: not even a socket without an address is accelerated")


@case
def no_memory() -> None:
    with socket.socket() as sock:
        refused(sock, "not proved: onload_fd_stat: Cannot allocate memory")


@case
def by_the_other_proof() -> None:
    """An Onload whose onload_get_tcp_info fails: MSG_WARM proves a connection as well."""
    with connection() as (_, near, _):
        assert judged(near).accelerated


@pytest.mark.parametrize("name", os.environ.get("TRUTH", "").split())
def test_case(name: str) -> None:
    CASES[name]()


def test_a_closed_descriptor_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file"):
        Truth().judge(1023)
