"""Sockets: busy polling, and TCP's habits."""

from collections.abc import Iterable

from host_tuning.checking.findings import not_applicable
from host_tuning.checking.interfaces import device
from host_tuning.checking.knob import Knob, changes, exactly, look
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.target.host import Host

CORE = "/proc/sys/net/core"
IPV4 = "/proc/sys/net/ipv4"
BUSY_POLL_US = 50
BUFFER_BYTES = 4 << 20
NO_BUSY_POLL = "the kernel was built without busy polling"
NO_INET = "the kernel was built without IPv4"
NO_CORE = "this network namespace has no such sysctl: only the first one has it"
FASTOPEN = 3  # 1 for those who connect, 2 for those who listen


def _busy(host: Host) -> list[Knob]:
    wanted_us = host.target.option("busy-poll", "us", BUSY_POLL_US)
    return [
        Knob(
            f"{CORE}/{name}",
            lambda found: found > 0,
            wanted_us,
            f"above 0 ({wanted_us})",
            NO_BUSY_POLL,
            why,
        )
        for name, why in (
            ("busy_read", "a read that finds nothing sleeps until the interrupt"),
            ("busy_poll", "poll and select sleep until the interrupt"),
        )
    ]


def _pollable(host: Host) -> bool:
    """Whether any configured interface has a driver whose queues could be polled."""
    names = host.target.interfaces
    return not names or any(device(host, name) for name in names)


def _per_socket(host: Host) -> bool:
    return host.target.word("busy-poll", "mode", "host", ("host", "socket")) == "socket"


def inspect_busy_poll(host: Host) -> Iterable[Finding]:
    """Sockets poll the driver before they sleep."""
    if not _pollable(host):
        reason = "no configured interface has a driver that could be polled"
        yield not_applicable(reason, paths=(f"{CORE}/busy_read",))
        return
    for knob in _busy(host):
        if not _per_socket(host):
            yield look(host, knob)
            continue
        reading = host.read(knob.path)
        if not reading.ok:
            yield look(host, knob)
            continue
        yield Finding(
            Conformity.REPORT,
            actual=reading.value,
            parsed=reading.value,
            reason="the site's sockets ask for it themselves (SO_BUSY_POLL)",
            paths=(reading.path,),
        )


def steps_busy_poll(host: Host) -> Iterable[Step]:
    """Turn it on for all sockets that are made from then on."""
    if _pollable(host) and not _per_socket(host):
        yield from changes("busy-poll", host, _busy(host))


def _tcp(host: Host) -> list[Knob]:
    open_now = host.read(f"{IPV4}/tcp_fastopen").value
    both = (int(open_now) if open_now.isdigit() else 0) | FASTOPEN
    receive = host.target.option("tcp", "rmem_max_bytes", BUFFER_BYTES)
    send = host.target.option("tcp", "wmem_max_bytes", BUFFER_BYTES)
    idle = "a connection that was silent starts again with a small window"
    cork = "a small segment waits while an earlier one is still in the driver"
    return [
        exactly(f"{IPV4}/tcp_slow_start_after_idle", 0, NO_INET, idle),
        exactly(f"{IPV4}/tcp_autocorking", 0, NO_INET, cork),
        Knob(
            f"{IPV4}/tcp_fastopen",
            lambda found: found & FASTOPEN == FASTOPEN,
            both,
            "3 (connecting and listening)",
            NO_INET,
            "a new connection's first data waits for a round trip",
        ),
        *(
            Knob(
                f"{CORE}/{name}",
                lambda found, least=least: found >= least,  # type: ignore[misc]
                least,
                f"at least {least}",
                NO_CORE,
                "a burst finds no room in the socket's buffer",
            )
            for name, least in (("rmem_max", receive), ("wmem_max", send))
        ),
    ]


def inspect_tcp(host: Host) -> Iterable[Finding]:
    """TCP neither forgets its window nor waits to fill segments; buffers may be large enough."""
    return [look(host, knob) for knob in _tcp(host)]


def steps_tcp(host: Host) -> Iterable[Step]:
    """One write a sysctl."""
    return changes("tcp", host, _tcp(host))


SETTINGS = (
    Setting(
        id="busy-poll",
        group="network",
        title="busy polling of sockets",
        when=When.RUNTIME,
        what="For how many microseconds a socket polls the driver's queue before it sleeps. Site "
        "options: us, mode (host, socket).",
        why="It saves the interrupt, the sleep and the wakeup, at the price of a busy CPU. Only "
        "drivers with a NAPI id take part: no loopback, no veth.",
        see=f"cat {CORE}/busy_read {CORE}/busy_poll",
        set=f"sudo sysctl net.core.busy_read={BUSY_POLL_US} net.core.busy_poll={BUSY_POLL_US}",
        undo="write the old numbers back (kernels start with 0)",
        sources=(
            "Documentation/admin-guide/sysctl/net.rst: busy_poll, busy_read",
            "TuneD's profile network-latency: net.core.busy_read=50, net.core.busy_poll=50",
        ),
        inspect=inspect_busy_poll,
        steps=steps_busy_poll,
    ),
    Setting(
        id="tcp",
        group="network",
        title="TCP",
        when=When.RUNTIME,
        what="TCP's window after silence, corking, fast open, and the largest buffers that a "
        "socket may ask for. Site options: rmem_max_bytes, wmem_max_bytes.",
        why="Order entry is small segments after pauses: just what these defaults delay. "
        "TCP_NODELAY and TCP_QUICKACK are the program's to set.",
        see=f"grep . {IPV4}/tcp_slow_start_after_idle {IPV4}/tcp_autocorking {IPV4}/tcp_fastopen "
        f"{CORE}/rmem_max {CORE}/wmem_max",
        set="sudo sysctl net.ipv4.tcp_slow_start_after_idle=0 net.ipv4.tcp_autocorking=0",
        undo="write the old numbers back",
        sources=(
            "Documentation/networking/ip-sysctl.rst",
            "Documentation/admin-guide/sysctl/net.rst: rmem_max, wmem_max",
        ),
        inspect=inspect_tcp,
        steps=steps_tcp,
    ),
)
