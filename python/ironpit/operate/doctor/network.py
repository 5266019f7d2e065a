"""Multicast, and the card's time stamps."""

import ctypes
import fcntl
import socket
import struct

from ironpit.operate.doctor.bypass import interfaces_of
from ironpit.operate.doctor.feature import Context, Feature
from ironpit.venue import host_check as hosted

# include/uapi/linux/ethtool.h and net_tstamp.h
SIOCETHTOOL, ETHTOOL_GET_TS_INFO = 0x8946, 0x41
TX_HARDWARE, RX_HARDWARE, RAW_HARDWARE = 1 << 0, 1 << 2, 1 << 6
HARDWARE = TX_HARDWARE | RX_HARDWARE | RAW_HARDWARE


def multicast(context: Context) -> Feature:
    """Whether the groups of the configuration can be reached, or any group can be joined."""
    config = context.config
    if config is None:
        reason = _cannot_join()
        return Feature("multicast", "Multicast", not reason, None, False, reason, _to_do(reason))
    streams = (config.streams.events, config.streams.market_data)
    wanted = any(stream.transport == "multicast" for stream in streams)
    if not wanted:
        reason = _cannot_join()
        why = reason or "no stream of the configuration has transport: multicast"
        in_use = False if context.running else None
        return Feature("multicast", "Multicast", not reason, in_use, False, why, _to_do(reason))
    found = [
        f"{key}: {what}"
        for key, what in hosted.doubts(config)
        if key.endswith((".a", ".b", ".interface"))
    ]
    reason = "; ".join(found) or context.degraded("multicast") or ""
    in_use = context.used_unless_degraded(wanted, "multicast")
    return Feature("multicast", "Multicast", not found, in_use, True, reason, _to_do(reason))


def _to_do(reason: str) -> str:
    return "ip route add 224.0.0.0/4 dev INTERFACE" if reason else ""


def _cannot_join() -> str:
    group = socket.inet_aton("239.255.255.250") + socket.inet_aton("127.0.0.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        except OSError as error:
            return f"no group can be joined: {error.strerror}"
    return ""


def hardware_stamps(context: Context) -> Feature:
    """Whether the cards of the venue's interfaces stamp packets."""
    interfaces = interfaces_of(context)
    able = {name: _stamps(name) for name in interfaces}
    known = [answer for answer in able.values() if answer is not None]
    available = any(known) if known else (None if interfaces else False)
    why_not, to_do = "", ""
    if not available:
        why_not = f"{', '.join(interfaces) or 'no interface with hardware'}: no time stamps"
        to_do = "a card that stamps packets (ethtool -T INTERFACE)"
    return Feature(
        "hardware_time_stamps",
        "Hardware time stamps",
        available,
        None,
        False,
        why_not,
        to_do,
        {"interfaces": able},
    )


def _stamps(interface: str) -> bool | None:
    """What the driver says of its card; None: nothing."""
    command = bytearray(struct.pack("I", ETHTOOL_GET_TS_INFO) + bytes(40))
    memory = (ctypes.c_char * len(command)).from_buffer(command)
    request = struct.pack("16sP", interface.encode()[:15], ctypes.addressof(memory))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        try:
            fcntl.ioctl(channel, SIOCETHTOOL, request)
        except OSError:
            return None
    (able,) = struct.unpack_from("I", command, 4)
    return bool(able & HARDWARE == HARDWARE)
