"""Packet buffers of Onload in place: receive and send without a copy, filters, templated sends."""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ironpit.onload.codes import Buffers, Taken, Template
from ironpit.onload.errors import error_of
from ironpit.onload.layouts import (
    Iovec,
    TemplateUpdate,
    ZeroCopyIovec,
    ZeroCopyMessage,
    ZeroCopyReceive,
    ZeroCopySend,
)
from ironpit.onload.library import call
from ironpit.onload.prototypes import FILTER_CALLBACK, RECEIVE_CALLBACK


class Part(NamedTuple):
    """A piece of a message where it lies; valid during the callback unless its buffer is kept."""

    data: memoryview
    handle: int


Take = Callable[[list[Part]], Taken]
Pass = Callable[[list[Part]], None]

_filters: dict[int, Any] = {}  # Onload holds a pointer to the callback of each socket


def await_stack_sync(fd: int) -> None:
    """Wait until the socket's stack has taken in what others sent. OnloadError."""
    call("onload_zc_await_stack_sync", fd)


def alloc_buffers(fd: int, count: int, kind: Buffers = Buffers.ANY) -> "ctypes.Array[Any]":
    """Packet buffers of the socket's stack, each an iovec with room for a payload.
    NotAcceleratedError, NotASocketError, NoMemoryError."""
    buffers = (ZeroCopyIovec * count)()
    call("onload_zc_alloc_buffers", fd, buffers, count, int(kind))
    return buffers


def release_buffers(fd: int, handles: Sequence[int]) -> None:
    """Give kept or allocated buffers back. InvalidError: they are of another stack."""
    array = (ctypes.c_void_p * len(handles))(*handles)
    call("onload_zc_release_buffers", fd, array, len(handles))


def _parts(message: ZeroCopyMessage) -> list[Part]:
    parts = []
    for index in range(message.header.iov_count):
        piece = message.iov[index]
        memory = (ctypes.c_char * piece.bytes).from_address(piece.base or 0)
        parts.append(Part(memoryview(memory).cast("B"), piece.handle or 0))
    return parts


def receive(fd: int, take: Take, flags: int = 0) -> None:
    """Give each message that is there to `take`, which says whether to go on and whether it keeps
    the buffers. NotAcceleratedError; KernelDataWaitingError: read that first; NothingYetError. What
    `take` raises ends the call and comes out of it."""
    raised: list[BaseException] = []

    def called(arguments: Any, _flags: int) -> int:
        try:
            return int(take(_parts(arguments.contents.message)))
        except BaseException as error:
            raised.append(error)
            return int(Taken.TERMINATE)

    callback = RECEIVE_CALLBACK(called)
    arguments = ZeroCopyReceive(callback=ctypes.cast(callback, ctypes.c_void_p), flags=flags)
    call("onload_zc_recv", fd, ctypes.byref(arguments))
    if raised:
        raise raised[0]


def send(fd: int, buffers: Any, flags: int = 0) -> int:
    """Send allocated buffers, whose `bytes` say how much of each, as one message: bytes. They are
    Onload's then, and the caller's still after an error. OnloadError."""
    message = ZeroCopySend(fd=fd)
    message.message.iov = ctypes.cast(buffers, ctypes.POINTER(ZeroCopyIovec))
    message.message.header.iov_count = len(buffers)
    call("onload_zc_send", ctypes.byref(message), 1, flags)
    if message.rc < 0:
        raise error_of(-message.rc, "onload_zc_send")
    return int(message.rc)


def set_receive_filter(fd: int, look: Pass) -> None:
    """`look` sees each datagram before it is received. NotAcceleratedError."""

    def called(message: Any, _argument: Any, _flags: int) -> int:
        look(_parts(message.contents))
        return int(Taken.CONTINUE)

    callback = FILTER_CALLBACK(called)
    call("onload_set_recv_filter", fd, callback, None, 0)
    _filters[fd] = callback


class TemplatedSend:
    """A message laid out in the card beforehand. Cards without PIO have none: NotSupportedError or
    OnloadAbsentError."""

    def __init__(self, fd: int, data: bytes, flags: Template = Template.NONE) -> None:
        self._fd = fd
        self._handle = ctypes.c_void_p()
        part = Iovec(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data))
        call(
            "onload_msg_template_alloc",
            *(fd, ctypes.byref(part), 1, ctypes.byref(self._handle), int(flags)),
        )

    def update(self, offset: int, data: bytes, flags: Template = Template.NONE) -> None:
        """Change bytes of the message; with SEND_NOW, send it, and this template is used up."""
        base = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
        change = TemplateUpdate(base=base, bytes=len(data), offset=offset)
        count = 1 if data else 0
        call(
            "onload_msg_template_update",
            *(self._fd, self._handle, ctypes.byref(change), count, int(flags)),
        )

    def abort(self) -> None:
        """Give the template back unsent."""
        call("onload_msg_template_abort", self._fd, self._handle)
