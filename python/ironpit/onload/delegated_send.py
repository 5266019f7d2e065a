"""Delegated send: Onload gives the headers, the caller sends the packet by another way, and tells.

The order is prepare, update and advance for each packet, complete or cancel. Between prepare and
complete nothing else may be sent by the socket.
"""

import ctypes
import struct

from ironpit.onload.codes import Delegated, DelegatedFlag
from ironpit.onload.layouts import DelegatedSend, Iovec
from ironpit.onload.library import call

HEADERS_BYTES = 128
TCP_FLAGS_OFFSET = 9  # from the sequence number on
TCP_PSH = 0x08


class DelegatedPacket:
    """The headers of the next packet of a connection, and how much may be sent."""

    def __init__(self, headers_bytes: int = HEADERS_BYTES) -> None:
        self._memory = ctypes.create_string_buffer(headers_bytes)
        self.state = DelegatedSend()
        self.state.headers = ctypes.addressof(self._memory)
        self.state.headers_len = headers_bytes

    @property
    def headers(self) -> bytes:
        """Ethernet, IP and TCP headers as they stand now."""
        skipped = (self.state.headers or 0) - ctypes.addressof(self._memory)
        return self._memory.raw[skipped : skipped + self.state.headers_len]

    def prepare(
        self, fd: int, payload_bytes: int, flags: DelegatedFlag = DelegatedFlag.NONE
    ) -> Delegated:
        """Ask for the headers and the windows. What is not OK is an ordinary send's work.
        SMALL_HEADER: `state.headers_len` says what is needed. OnloadAbsentError."""
        state = ctypes.byref(self.state)
        answer = call("onload_delegated_send_prepare", fd, payload_bytes, int(flags), state)
        return Delegated(answer)

    def update(self, payload_bytes: int, push: bool) -> None:
        """Write the length of a packet, and whether the receiver is to hand it on, into the
        headers."""
        at = self._at(self.state.ip_len_offset)
        total = payload_bytes + self.state.ip_tcp_hdr_len
        struct.pack_into(">H", self._memory, at, total)
        flags = self._at(self.state.tcp_seq_offset) + TCP_FLAGS_OFFSET
        value = self._memory.raw[flags]
        value = value | TCP_PSH if push else value & ~TCP_PSH
        struct.pack_into("B", self._memory, flags, value)

    def advance(self, payload_bytes: int) -> None:
        """A packet was sent: the sequence number goes on, and the windows shrink."""
        at = self._at(self.state.tcp_seq_offset)
        (sequence,) = struct.unpack_from(">I", self._memory, at)
        struct.pack_into(">I", self._memory, at, (sequence + payload_bytes) & 0xFFFF_FFFF)
        self.state.send_wnd -= payload_bytes
        self.state.cong_wnd -= payload_bytes
        self.state.user_size -= payload_bytes

    def _at(self, offset: int) -> int:
        """Where an offset of the headers lies in the memory: they may begin behind its start."""
        return int((self.state.headers or 0) - ctypes.addressof(self._memory) + offset)


def complete(fd: int, payload: bytes, flags: int = 0) -> int:
    """Tell what was sent, so that it can be sent again when it is lost: bytes, or 0 for all of it.
    NotAcceleratedError; NothingYetError and the like: call again with the rest."""
    part = Iovec(ctypes.cast(ctypes.c_char_p(payload), ctypes.c_void_p), len(payload))
    return call("onload_delegated_send_complete", fd, ctypes.byref(part), 1, flags)


def cancel(fd: int) -> None:
    """Nothing, or nothing more, was sent. NotAcceleratedError."""
    call("onload_delegated_send_cancel", fd)
