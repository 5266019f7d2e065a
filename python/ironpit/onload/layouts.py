"""The structures of Onload's extension API on x86-64, with the sizes and offsets of its headers.

A wrong layout would be read and written past without an error, so that each size and each offset is
checked when this module is imported.
"""

import ctypes
from typing import Any, ClassVar

Fields = list[tuple[str, Any] | tuple[str, Any, int]]


class Iovec(ctypes.Structure):
    """struct iovec of the C library."""

    _fields_: ClassVar[Fields] = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class MessageHeader(ctypes.Structure):
    """struct msghdr of the C library."""

    _fields_: ClassVar[Fields] = [
        ("name", ctypes.c_void_p),
        ("name_bytes", ctypes.c_uint32),
        ("iov", ctypes.POINTER(Iovec)),
        ("iov_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_bytes", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class EpollEvent(ctypes.Structure):
    """struct epoll_event of the C library, which is packed on x86-64."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_: ClassVar[Fields] = [("events", ctypes.c_uint32), ("data", ctypes.c_uint64)]


class Timespec(ctypes.Structure):
    """struct timespec of the C library."""

    _fields_: ClassVar[Fields] = [("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_int64)]


class Stat(ctypes.Structure):
    """struct onload_stat; whoever asked frees the stack's name."""

    _fields_: ClassVar[Fields] = [
        ("stack_id", ctypes.c_int32),
        ("stack_name", ctypes.c_void_p),
        ("endpoint_id", ctypes.c_int32),
        ("endpoint_state", ctypes.c_int32),
    ]


class TcpInfo(ctypes.Structure):
    """struct onload_tcp_info."""

    _fields_: ClassVar[Fields] = [
        ("so_recvbuf", ctypes.c_int),
        ("rcvbuf_used", ctypes.c_int),
        ("rcv_window", ctypes.c_int),
        ("so_sndbuf", ctypes.c_int),
        ("so_sndbuf_pkts", ctypes.c_int),
        ("sndbuf_pkts_avail", ctypes.c_int),
        ("snd_mss", ctypes.c_int),
        ("snd_window", ctypes.c_int),
        ("cong_window", ctypes.c_int),
    ]


class DelegatedSend(ctypes.Structure):
    """struct onload_delegated_send."""

    _fields_: ClassVar[Fields] = [
        ("headers", ctypes.c_void_p),
        ("headers_len", ctypes.c_int),
        ("mss", ctypes.c_int),
        ("send_wnd", ctypes.c_int),
        ("cong_wnd", ctypes.c_int),
        ("user_size", ctypes.c_int),
        ("tcp_seq_offset", ctypes.c_int),
        ("ip_len_offset", ctypes.c_int),
        ("ip_tcp_hdr_len", ctypes.c_int),
        ("reserved", ctypes.c_int * 5),
    ]


class OrderedEpollEvent(ctypes.Structure):
    """struct onload_ordered_epoll_event: when the first byte arrived, and how many are in order."""

    _fields_: ClassVar[Fields] = [("arrived", Timespec), ("bytes", ctypes.c_int)]


class ZeroCopyIovec(ctypes.Structure):
    """struct onload_zc_iovec: a packet buffer, or a part of one."""

    _fields_: ClassVar[Fields] = [
        ("base", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64, 48),
        ("flags", ctypes.c_uint64, 16),
        ("handle", ctypes.c_void_p),
        ("unused", ctypes.c_uint64),
    ]


class ZeroCopyMessage(ctypes.Structure):
    """struct onload_zc_msg; `header.iov` is not used, its count is that of `iov`."""

    _fields_: ClassVar[Fields] = [
        ("iov", ctypes.POINTER(ZeroCopyIovec)),
        ("header", MessageHeader),
    ]


class ZeroCopySend(ctypes.Structure):
    """struct onload_zc_mmsg: a message, what became of it, and by which socket it goes."""

    _fields_: ClassVar[Fields] = [
        ("message", ZeroCopyMessage),
        ("rc", ctypes.c_int),
        ("fd", ctypes.c_int),
    ]


class ZeroCopyReceive(ctypes.Structure):
    """struct onload_zc_recv_args."""

    _fields_: ClassVar[Fields] = [
        ("message", ZeroCopyMessage),
        ("callback", ctypes.c_void_p),
        ("user_ptr", ctypes.c_void_p),
        ("flags", ctypes.c_int),
    ]


class TemplateUpdate(ctypes.Structure):
    """struct onload_template_msg_update_iovec."""

    _fields_: ClassVar[Fields] = [
        ("base", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
        ("offset", ctypes.c_int64),
        ("flags", ctypes.c_uint),
    ]


class Timestamp(ctypes.Structure):
    """struct onload_timestamp; the fraction counts 2^-24 of a nanosecond."""

    _fields_: ClassVar[Fields] = [
        ("seconds", ctypes.c_uint64),
        ("nanoseconds", ctypes.c_uint32),
        ("fraction", ctypes.c_uint32, 24),
        ("flags", ctypes.c_uint32, 8),
    ]


class TimestampControl(ctypes.Structure):
    """struct scm_timestamping_ooext: what a control message of SO_TIMESTAMPING_OOEXT holds."""

    _fields_: ClassVar[Fields] = [
        ("type", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
        ("timestamp", Timestamp),
    ]


class StreamControl(ctypes.Structure):
    """struct scm_timestamping_stream: when the bytes of a stream were sent first and last."""

    _fields_: ClassVar[Fields] = [
        ("first_sent", Timespec),
        ("last_sent", Timespec),
        ("bytes", ctypes.c_size_t),
    ]


# (size, offsets of fields), as the headers of extension library 1.2.0 compile on x86-64.
LAYOUTS: dict[type[ctypes.Structure], tuple[int, dict[str, int]]] = {
    Iovec: (16, {"base": 0, "bytes": 8}),
    MessageHeader: (56, {"name": 0, "iov": 16, "iov_count": 24, "control": 32, "flags": 48}),
    EpollEvent: (12, {"events": 0, "data": 4}),
    Stat: (24, {"stack_id": 0, "stack_name": 8, "endpoint_id": 16, "endpoint_state": 20}),
    TcpInfo: (36, {name: 4 * i for i, (name, *_) in enumerate(TcpInfo._fields_)}),
    DelegatedSend: (
        64,
        {
            "headers": 0,
            "headers_len": 8,
            "mss": 12,
            "send_wnd": 16,
            "cong_wnd": 20,
            "user_size": 24,
            "tcp_seq_offset": 28,
            "ip_len_offset": 32,
            "ip_tcp_hdr_len": 36,
            "reserved": 40,
        },
    ),
    OrderedEpollEvent: (24, {"arrived": 0, "bytes": 16}),
    ZeroCopyIovec: (32, {"base": 0, "bytes": 8, "flags": 8, "handle": 16, "unused": 24}),
    ZeroCopyMessage: (64, {"iov": 0, "header": 8}),
    ZeroCopySend: (72, {"message": 0, "rc": 64, "fd": 68}),
    ZeroCopyReceive: (88, {"message": 0, "callback": 64, "user_ptr": 72, "flags": 80}),
    TemplateUpdate: (32, {"base": 0, "bytes": 8, "offset": 16, "flags": 24}),
    Timestamp: (16, {"seconds": 0, "nanoseconds": 8, "fraction": 12, "flags": 12}),
    TimestampControl: (24, {"type": 0, "timestamp": 8}),
    StreamControl: (40, {"first_sent": 0, "last_sent": 16, "bytes": 32}),
}


def check_layouts(
    layouts: dict[type[ctypes.Structure], tuple[int, dict[str, int]]] = LAYOUTS,
) -> None:
    """ImportError when this interpreter lays a structure out in another way than Onload."""
    for structure, (size, offsets) in layouts.items():
        if ctypes.sizeof(structure) != size:
            raise ImportError(
                f"{structure.__name__}: found {ctypes.sizeof(structure)} bytes, expected {size}"
            )
        for name, offset in offsets.items():
            found = getattr(structure, name).offset
            if found != offset:
                raise ImportError(
                    f"{structure.__name__}.{name}: found offset {found}, expected {offset}"
                )


check_layouts()
