"""What Onload says of a socket, and what it does with one."""

import ctypes
from typing import NamedTuple

from ironpit.onload.codes import MSG_WARM, Feature, Stamp, state_name
from ironpit.onload.errors import NotSupportedError, OnloadError
from ironpit.onload.layouts import Iovec, MessageHeader, Stat, TcpInfo
from ironpit.onload.library import call, function, global_scope, is_present


class Endpoint(NamedTuple):
    """Where a socket lives: `onload_stackdump` knows it as `stack_id:endpoint_id`."""

    stack_id: int
    stack_name: str
    endpoint_id: int
    state: int

    def __str__(self) -> str:
        where = f"{self.stack_id}:{self.endpoint_id} {state_name(self.state)}"
        return f"{where} in {self.stack_name}" if self.stack_name else where


def fd_stat(fd: int) -> Endpoint | None:
    """The endpoint behind a descriptor, or None: the kernel's, or an epoll set.

    A descriptor that was handed over to the kernel and is still held has an endpoint as well: this
    alone is no proof (see `truth`). The name that Onload allocates is freed. Raises NoMemoryError.
    """
    if not is_present():
        return None
    stat = Stat()
    if call("onload_fd_stat", fd, ctypes.byref(stat)) == 0:
        return None
    name = ""
    if stat.stack_name:
        name = ctypes.string_at(stat.stack_name).decode("utf-8", "replace")
        free = global_scope().free
        free.argtypes, free.restype = (ctypes.c_void_p,), None
        free(stat.stack_name)
    return Endpoint(stat.stack_id, name, stat.endpoint_id, stat.endpoint_state)


def check_feature(fd: int, feature: Feature | int) -> bool:
    """Whether a socket offers a feature. Raises NotSupportedError for a feature that this Onload
    does not know, OnloadAbsentError without Onload."""
    return call("onload_fd_check_feature", fd, int(feature)) > 0


def tcp_info(fd: int) -> dict[str, int]:
    """Windows and buffers of a connection. InvalidError: it is none of Onload's."""
    info = TcpInfo()
    length = ctypes.c_int(ctypes.sizeof(info))
    call("onload_get_tcp_info", fd, ctypes.byref(info), ctypes.byref(length))
    fields = [(name, getattr(TcpInfo, name)) for name, *_ in TcpInfo._fields_]
    return {
        name: getattr(info, name)
        for name, field in fields
        if field.offset + field.size <= length.value  # an older Onload fills fewer of them
    }


def move_fd(fd: int) -> None:
    """Into the stack of the calling thread: a closed socket, or one just accepted. OnloadError: it
    stays where it was."""
    call("onload_move_fd", fd)


def warm(fd: int, data: bytes) -> bool:
    """Walk the path of a send without sending; whether that was done.

    On a socket that is not accelerated the bytes would really be sent, so that the socket is asked
    first. OSError: of send itself.
    """
    try:
        if not is_present() or not check_feature(fd, Feature.MSG_WARM):
            return False
    except NotSupportedError:
        return False
    send = global_scope().send
    send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
    send.restype = ctypes.c_ssize_t
    if send(fd, data, len(data), MSG_WARM) < 0:
        raise OSError(ctypes.get_errno(), "send with MSG_WARM")
    return True


def request_timestamps(fd: int, stamps: Stamp) -> None:
    """Ask for the card's time stamps. InvalidError, NotAcceleratedError, NotSupportedError."""
    call("onload_timestamping_request", fd, int(stamps))


def recvmsg_kernel(fd: int, buffer: bytearray, flags: int = 0) -> int:
    """Read what came by the kernel's path into a buffer: bytes. OnloadError; NothingYetError: there
    is nothing."""
    into = (ctypes.c_char * len(buffer)).from_buffer(buffer)
    part = Iovec(ctypes.addressof(into), len(buffer))
    header = MessageHeader(iov=ctypes.pointer(part), iov_count=1)
    return call("onload_recvmsg_kernel", fd, ctypes.byref(header), flags)


def socket_nonaccel(domain: int, kind: int, protocol: int = 0) -> int:
    """A descriptor of the kernel's, whatever the stack says. OSError."""
    return _open("onload_socket_nonaccel", domain, kind, protocol)


def socket_unicast_nonaccel(domain: int, kind: int, protocol: int = 0) -> int:
    """A UDP socket whose unicast traffic is the kernel's: for members of groups. OSError."""
    return _open("onload_socket_unicast_nonaccel", domain, kind, protocol)


def socket_rx_nonaccel(domain: int, kind: int, protocol: int = 0) -> int:
    """A socket that is accelerated when it sends and not when it receives. OSError."""
    return _open("onload_socket_rx_nonaccel", domain, kind, protocol)


def _open(name: str, domain: int, kind: int, protocol: int) -> int:
    if is_present():
        return call(name, domain, kind, protocol)
    # What the stub does: an ordinary socket.
    opened = function(name) or global_scope().socket
    descriptor = int(opened(domain, kind, protocol))
    if descriptor < 0:
        raise OnloadError(ctypes.get_errno(), name)
    return descriptor


def raw_send(fd: int, port: int, frame: bytes) -> int:
    """A whole Ethernet frame by a port of the card: bytes. NotAcceleratedError, LinkDownError."""
    part = Iovec(ctypes.cast(ctypes.c_char_p(frame), ctypes.c_void_p), len(frame))
    return call("oo_raw_send", fd, port, ctypes.byref(part), 1)
