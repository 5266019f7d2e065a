"""Asks and tells network drivers what no file does: coalescing, rings, channels, offloads.

It speaks the ethtool ioctl, whose structs stand in include/uapi/linux/ethtool.h; docs/adr/0013 says
why by hand. The answers are the running kernel's: only a live host may be judged by them. Reading
needs no rights, writing needs CAP_NET_ADMIN. All errors are OSError as the driver gave it;
EOPNOTSUPP where it has no such thing.
"""

import array
import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

SIOCETHTOOL = 0x8946
INTERFACE_BYTES_MAX = 15  # IFNAMSIZ without the NUL

_GDRVINFO, _GSTRINGS, _GSSET_INFO = 0x03, 0x1B, 0x37
_GRXFHINDIR, _GFEATURES, _SFEATURES, _GET_TS_INFO = 0x38, 0x3A, 0x3B, 0x41
_SET_OF_FEATURES = 4
_NAME_BYTES = 32
_UNSUPPORTED = 1  # a bit of what SFEATURES returns

_COALESCE = (
    "rx_usecs rx_frames rx_usecs_irq rx_frames_irq tx_usecs tx_frames tx_usecs_irq tx_frames_irq "
    "stats_block_usecs adaptive_rx adaptive_tx pkt_rate_low rx_usecs_low rx_frames_low "
    "tx_usecs_low tx_frames_low pkt_rate_high rx_usecs_high rx_frames_high tx_usecs_high "
    "tx_frames_high sample_interval"
)
_RINGS = "rx_max rx_mini_max rx_jumbo_max tx_max rx rx_mini rx_jumbo tx"
_CHANNELS = "rx_max tx_max other_max combined_max rx tx other combined"

# What -> (command that gets, command that sets, the 32-bit fields after the command in order).
_SHEETS = {
    "coalesce": (0x0E, 0x0F, tuple(_COALESCE.split())),
    "rings": (0x10, 0x11, tuple(_RINGS.split())),
    "channels": (0x3C, 0x3D, tuple(_CHANNELS.split())),
}

# The names of ethtool -K for the kernel's own.
ALIASES = {
    "gro": "rx-gro",
    "lro": "rx-lro",
    "tso": "tx-tcp-segmentation",
    "gso": "tx-generic-segmentation",
    "ntuple": "rx-ntuple-filter",
    "rxhash": "rx-hashing",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """An offload: whether it is active, and whether the driver fixed it."""

    active: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class Driver:
    """Who drives an interface, and on which bus address."""

    name: str
    version: str
    firmware: str
    bus: str


@dataclass(frozen=True, slots=True)
class TimeStamping:
    """What an interface can stamp. phc_index: N of /dev/ptpN, -1 for none; the rest are bit masks
    of include/uapi/linux/net_tstamp.h."""

    so_timestamping: int
    phc_index: int
    tx_types: int
    rx_filters: int


def _ioctl(interface: str, buffer: "array.array[int]") -> int:
    name = os.fsencode(interface)
    if not 0 < len(name) <= INTERFACE_BYTES_MAX:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), interface)
    address, _ = buffer.buffer_info()
    request = bytearray(struct.pack("16sP16x", name, address))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        result: int = fcntl.ioctl(channel, SIOCETHTOOL, request, True)
        return result


def _ask(interface: str, request: bytes) -> bytes:
    buffer = array.array("B", request)
    _ioctl(interface, buffer)
    return buffer.tobytes()


def sheet(interface: str, what: str) -> dict[str, int]:
    """All fields of `coalesce`, `rings` or `channels`, by the names that `ethtool` prints."""
    get, _, fields = _SHEETS[what]
    layout = f"{1 + len(fields)}I"
    answer = _ask(interface, struct.pack(layout, get, *[0] * len(fields)))
    return dict(zip(fields, struct.unpack(layout, answer)[1:], strict=True))


def _feature_names(interface: str) -> list[str]:
    request = struct.pack("IIQI", _GSSET_INFO, 0, 1 << _SET_OF_FEATURES, 0)
    mask, count = struct.unpack("QI", _ask(interface, request)[8:20])
    if not mask:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), interface)
    request = struct.pack("III", _GSTRINGS, _SET_OF_FEATURES, count)
    answer = _ask(interface, request + bytes(count * _NAME_BYTES))[12:]
    names = (answer[at : at + _NAME_BYTES] for at in range(0, len(answer), _NAME_BYTES))
    return [name.partition(b"\0")[0].decode("ascii", "replace") for name in names]


def features(interface: str) -> dict[str, Feature]:
    """Every offload by the kernel's own name, such as `rx-gro`."""
    names = _feature_names(interface)
    blocks = (len(names) + 31) // 32
    request = struct.pack("II", _GFEATURES, blocks) + bytes(blocks * 16)
    words = struct.unpack(f"{blocks * 4}I", _ask(interface, request)[8:])
    found = {}
    for bit, name in enumerate(names):
        available, _, active, never_changed = words[bit // 32 * 4 : bit // 32 * 4 + 4]
        mine = 1 << bit % 32
        changeable = bool(available & mine) and not never_changed & mine
        if name:
            found[name] = Feature(bool(active & mine), not changeable)
    return found


def _set_feature(interface: str, name: str, active: bool) -> None:
    names = _feature_names(interface)
    if name not in names:
        raise OSError(errno.EOPNOTSUPP, f"no feature {name}", interface)
    blocks = (len(names) + 31) // 32
    words = [0] * (blocks * 2)
    block, bit = divmod(names.index(name), 32)
    words[block * 2] = 1 << bit
    words[block * 2 + 1] = int(active) << bit
    request = struct.pack(f"II{len(words)}I", _SFEATURES, blocks, *words)
    if _ioctl(interface, array.array("B", request)) & _UNSUPPORTED:
        raise OSError(errno.EOPNOTSUPP, f"the driver fixed {name}", interface)


def read(interface: str, what: str, field: str) -> int | str:
    """One value: a number of `coalesce`, `rings` or `channels`, or `on` or `off` of a `feature`.

    Errors: OSError; KeyError for a `what` or a field that there is not.
    """
    if what == "feature":
        found = features(interface).get(ALIASES.get(field, field))
        if found is None:
            raise OSError(errno.EOPNOTSUPP, f"no feature {field}", interface)
        return "on" if found.active else "off"
    return sheet(interface, what)[field]


def write(interface: str, what: str, field: str, value: int | str) -> None:
    """Set one value and leave the sheet's others as they are; read it again to see what became.

    A new ring size or channel count takes the link down for a moment with most drivers.
    Errors: as in read(); ValueError for a value that is no whole number, or not `on` or `off`.
    """
    if what == "feature":
        if value not in ("on", "off"):
            raise ValueError(f"{interface} feature {field}: found {value!r}, expected on or off")
        _set_feature(interface, ALIASES.get(field, field), value == "on")
        return
    _, command, fields = _SHEETS[what]
    values = sheet(interface, what)
    if field not in values:
        raise KeyError(field)
    number = int(value)
    if not 0 <= number < 1 << 32:
        raise ValueError(f"{interface} {what} {field}: found {number}, expected 32 bits")
    values[field] = number
    _ask(interface, struct.pack(f"{1 + len(fields)}I", command, *(values[one] for one in fields)))


def driver(interface: str) -> Driver:
    """The driver's own words about itself."""
    answer = _ask(interface, struct.pack("I", _GDRVINFO) + bytes(192))
    words = struct.unpack("4x32s32s32s32s", answer[:132])
    return Driver(*(word.partition(b"\0")[0].decode("ascii", "replace") for word in words))


def time_stamping(interface: str) -> TimeStamping:
    """What the interface can stamp, in software and hardware."""
    answer = _ask(interface, struct.pack("I", _GET_TS_INFO) + bytes(40))
    flags, clock, transmit, receive = struct.unpack("4xIiI12xI12x", answer)
    return TimeStamping(flags, clock, transmit, receive)


def indirection(interface: str) -> tuple[int, ...]:
    """The receive queue of each entry of the flow-hash table."""
    (size,) = struct.unpack("4xI", _ask(interface, struct.pack("II", _GRXFHINDIR, 0)))
    answer = _ask(interface, struct.pack("II", _GRXFHINDIR, size) + bytes(size * 4))
    return struct.unpack(f"{size}I", answer[8:])
