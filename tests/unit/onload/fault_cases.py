"""Goal: errors that the double gives only when it is told to have their types.

Method: run by test_wrapper.py in an interpreter under the double, for each with a fault on the
second call of a function, so that the first one is seen to succeed.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterator

import pytest
from tests.unit.onload.ends import connection

from ironpit.onload import delegated_send, descriptors, stacks, zero_copy
from ironpit.onload.codes import Delegated, Spin, Taken
from ironpit.onload.errors import (
    KernelDataWaitingError,
    NoMemoryError,
    OnloadAbsentError,
    OnloadError,
)

PREPARE = "onload_delegated_send_prepare"

Call = Callable[[int], object]


def receive(fd: int) -> None:
    zero_copy.receive(fd, lambda parts: Taken.TERMINATE, socket.MSG_DONTWAIT)


FAULTS: dict[str, tuple[int, type[OnloadError], Call]] = {
    "onload_fd_stat": (errno.ENOMEM, NoMemoryError, descriptors.fd_stat),
    "onload_stackname_save": (errno.ENOMEM, NoMemoryError, lambda fd: stacks.save_name()),
    "onload_stack_opt_reset": (errno.ENOSYS, OnloadAbsentError, lambda fd: stacks.reset_options()),
    "onload_thread_set_spin": (
        errno.ENOSYS,
        OnloadAbsentError,
        lambda fd: stacks.set_spin(Spin.ALL, True),
    ),
    "onload_thread_get_spin": (errno.ENOSYS, OnloadAbsentError, lambda fd: stacks.spins()),
    "onload_move_fd": (errno.ENOSYS, OnloadAbsentError, descriptors.move_fd),
    "onload_zc_alloc_buffers": (
        errno.ENOMEM,
        NoMemoryError,
        lambda fd: zero_copy.alloc_buffers(fd, 1),
    ),
    "onload_zc_await_stack_sync": (errno.EINTR, OnloadError, zero_copy.await_stack_sync),
    "onload_zc_recv": (errno.ENOTEMPTY, KernelDataWaitingError, receive),
    "onload_msg_template_alloc": (
        errno.ENOSYS,
        OnloadAbsentError,
        lambda fd: zero_copy.TemplatedSend(fd, b"x").abort(),
    ),
    "onload_socket_nonaccel": (
        errno.EMFILE,
        OnloadError,
        lambda fd: os.close(descriptors.socket_nonaccel(socket.AF_INET, socket.SOCK_STREAM)),
    ),
}


@pytest.fixture
def fd() -> Iterator[int]:
    with connection() as (_, near, far):
        near.sendall(b"0123456789")
        yield far.fileno()


def needs(name: str) -> bool:
    return f"{name}=" in os.environ.get("MOCK_ONLOAD_FAULTS", "")


@pytest.mark.parametrize("name", [name for name in FAULTS if needs(name)])
def test_a_fault_on_the_second_call_has_its_type(name: str, fd: int) -> None:
    number, kind, call = FAULTS[name]
    if name == "onload_move_fd":
        with connection() as (_, _, fresh):
            call(fresh.fileno())
    else:
        call(fd)
    with pytest.raises(kind) as caught:
        call(fd)
    assert type(caught.value) is kind
    assert (caught.value.errno, caught.value.function) == (number, name)


@pytest.mark.parametrize("name", [name for name in (PREPARE,) if needs(name)])
def test_delegated_send_names_what_it_waits_for(name: str, fd: int) -> None:
    packet = delegated_send.DelegatedPacket()
    assert packet.prepare(fd, 10) == Delegated.OK
    delegated_send.cancel(fd)
    expected = int(os.environ["MOCK_ONLOAD_FAULTS"].partition("=")[2].partition("@")[0])
    assert packet.prepare(fd, 10) == Delegated(expected)
