"""Numbers of Onload's extension API, by their names in its headers (version 1.2.0)."""

from enum import IntEnum, IntFlag

MSG_WARM = 0x400  # send: warm the path up, and send nothing - on an accelerated socket
MSG_ONEPKT = 0x20000  # recv: no more than one packet
RECV_OS_INLINE = 0x40000000  # zc_recv: the kernel's data as well, in its order
SOF_TIMESTAMPING_STREAM = 1 << 23
SO_TIMESTAMPING_OOEXT = 0x000F5300


class Feature(IntEnum):
    """What `fd_check_feature` is asked about."""

    MSG_WARM = 0
    UDP_TX_TS_HDR = 1
    TX_SCM_TS_PKTINFO = 2


class Who(IntEnum):
    """Whose new sockets a stack's name concerns."""

    THIS_THREAD = 0
    ALL_THREADS = 1


class Scope(IntEnum):
    """Who shares stacks of one name."""

    NOCHANGE = 0
    THREAD = 1
    PROCESS = 2
    USER = 3
    GLOBAL = 4


class Spin(IntEnum):
    """Calls that may spin before they block."""

    ALL = 0
    UDP_RECV = 1
    UDP_SEND = 2
    TCP_RECV = 3
    TCP_SEND = 4
    TCP_ACCEPT = 5
    PIPE_RECV = 6
    PIPE_SEND = 7
    SELECT = 8
    POLL = 9
    PKT_WAIT = 10
    EPOLL_WAIT = 11
    STACK_LOCK = 12
    SOCK_LOCK = 13
    SO_BUSY_POLL = 14
    TCP_CONNECT = 15
    MIMIC_EF_POLL = 16


class Delegated(IntEnum):
    """What `delegated_send_prepare` answers."""

    OK = 0
    BAD_SOCKET = 1
    SMALL_HEADER = 2
    SENDQ_BUSY = 3
    NOWIN = 4
    NOARP = 5
    NOCWIN = 6


class DelegatedFlag(IntFlag):
    """How `delegated_send_prepare` deals with an unknown neighbour."""

    NONE = 0
    IGNORE_ARP = 1
    RESOLVE_ARP = 2


class Buffers(IntEnum):
    """For which protocol's headers zero-copy buffers leave room."""

    ANY = 0
    UDP = 1
    TCP = 2


class Taken(IntFlag):
    """What the callback of `zc_recv` answers."""

    CONTINUE = 0
    TERMINATE = 1
    KEEP = 2


class Stamp(IntFlag):
    """Which time stamps `timestamping_request` asks for."""

    NONE = 0
    TX_NIC = 1
    RX_NIC = 2
    RX_CPACKET = 4


class Template(IntFlag):
    """How a templated send is updated."""

    NONE = 0
    SEND_NOW = 1
    PIO_RETRY = 2
    DONTWAIT = 0x40


# endpoint_state of fd_stat; the header says that they may change between releases.
STATE_SYNCHRONISED = 0x1
STATE_TCP_CONN = 0x100
STATE_TCP = 0x200
STATE_UDP = 0xB000
STATE_PIPE = 0xC000
TCP_STATES = (
    "closed",
    "listen",
    "syn-sent",
    "established",
    "close-wait",
    "last-ack",
    "fin-wait-1",
    "fin-wait-2",
    "closing",
    "time-wait",
)


def state_number(state: int) -> int:
    """Which of TCP_STATES, or 11 for UDP, 12 for a pipe."""
    return (state & 0xF000) >> 12


def state_name(state: int) -> str:
    """An endpoint's state in words."""
    if state & 0xF000 == STATE_UDP:
        return "udp"
    if state & 0xF000 == STATE_PIPE:
        return "pipe"
    number = state_number(state)
    return TCP_STATES[number] if number < len(TCP_STATES) else f"state {state:#x}"
