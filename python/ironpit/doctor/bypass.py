"""Kernel bypass: Onload as it is there, proved with a socket like the venue's, and AF_XDP."""

import errno
import os
import shutil
import socket
from pathlib import Path

from ironpit.doctor.feature import Context, Feature
from ironpit.onload import launch
from ironpit.onload.truth import DRIVER, Verdict

AF_XDP = 44
ORDERS = "orders"
NO_CARD = "it needs a Solarflare card, its driver and the launcher `onload` (docs/KERNEL_BYPASS.md)"
TO_DO = {
    "absent": "start the venue with `ironpit run --onload latency`",
    "stub": "start the venue with `ironpit run --onload latency`: the extension library is a stub",
    "late": "preload libonload.so (`ironpit run --onload latency`) instead of loading it later",
    "dropped": "remove the interpreter's file capabilities (`setcap -r`), and give ambient "
    "capabilities instead",
}


def kernel_bypass(context: Context) -> Feature:
    """Onload: available when a socket like the order-entry listener is proved accelerated here."""
    library = context.truth.library
    verdict = _probe(context)
    blockers = list(launch.blockers(library))
    config = context.config
    wanted = context.require_onload or (
        config is not None and (config.require_onload or config.onload.profile is not None)
    )
    launcher = shutil.which(launch.LAUNCHER)
    interposed = library.state == "interposed"
    available: bool | None = verdict.accelerated
    if not interposed and not blockers and launcher and DRIVER.exists():
        available = None  # it is there, and nothing is proved before a process runs under it
    in_use = _in_use(context)
    why_not, to_do = "", ""
    if not (available and in_use is not False):
        why_not = verdict.reason if not verdict.accelerated else _first_reason(context)
        to_do = TO_DO.get(library.state, "") if launcher or library.state != "absent" else NO_CARD
        if library.state == "interposed":
            to_do = _mend(verdict)
    return Feature(
        "kernel_bypass",
        "Kernel bypass (Onload)",
        available,
        in_use,
        wanted,
        "; ".join([why_not, *blockers]) if why_not else "; ".join(blockers),
        to_do,
        {
            "library": library.state,
            "library_path": library.path,
            "extension_api": str(library.version or ""),
            "version_too_old": library.minor_missing,
            "release": library.release,
            "launcher": launcher or "",
            "driver_device": DRIVER.exists(),
            "preload_asked": os.environ.get("LD_PRELOAD", ""),
            "probe": {"path": verdict.path, "reason": verdict.reason},
            "blockers": blockers,
            "options": launch.environment_options(os.environ),
            "doubtful_options": list(launch.doubtful_options(os.environ)),
            "sockets": context.sockets,
        },
    )


def _probe(context: Context) -> Verdict:
    """What becomes of a listener on the order-entry address, and any port."""
    address = "0.0.0.0" if context.config is None else context.config.order_entry.listen.address
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        try:
            listener.bind((address, 0))
            listener.listen(1)
        except OSError as error:
            return Verdict("kernel", f"{address}: {error.strerror}")
        return context.truth.judge(listener.fileno())


def _in_use(context: Context) -> bool | None:
    """Whether every order socket of the running venue is accelerated; None: none runs."""
    orders = [entry for entry in context.sockets if entry["role"] == ORDERS]
    if not orders:
        return None
    return all(entry["path"] == "accelerated" for entry in orders)


def _first_reason(context: Context) -> str:
    for entry in context.sockets:
        if entry["role"] == ORDERS and entry["path"] != "accelerated":
            return str(entry["reason"])
    return ""


def _mend(verdict: Verdict) -> str:
    reason = verdict.reason
    if "driver" in reason and reason.startswith("no driver"):
        return "load the driver (`onload_tool reload`) and look into dmesg"
    if reason.startswith("version mismatch"):
        return "install Onload and its extension library from one release"
    if reason.startswith("loopback"):
        return "listen on the address of an accelerated interface"
    if reason.startswith(("interface", "the route")):
        return "listen on the address of an interface with a Solarflare card"
    return "unset what says no, and start anew"


def af_xdp(context: Context) -> Feature:
    """Whether the kernel makes AF_XDP sockets, and for this user."""
    why_not, to_do = "", ""
    available: bool | None = True
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW, 0).close()
    except OSError as error:
        if error.errno == errno.EPERM:
            why_not, to_do = "no right to open a raw socket", "give the process CAP_NET_RAW"
        else:
            why_not = f"the kernel makes no AF_XDP socket: {error.strerror}"
            to_do = "a kernel with CONFIG_XDP_SOCKETS"
        available = False
    return Feature("af_xdp", "AF_XDP sockets", available, None, False, why_not, to_do)


def interfaces_of(context: Context) -> list[str]:
    """Interfaces that the configuration's addresses belong to; all with hardware without one."""
    import psutil

    config = context.config
    if config is None:
        base = Path(context.root, "sys/class/net")
        names = sorted(p.name for p in base.iterdir()) if base.is_dir() else []
        return [name for name in names if (base / name / "device").exists()]
    market_data = config.streams.market_data
    named = {config.order_entry.listen.address}
    named |= {g.interface for g in (market_data.a, market_data.b) if g is not None}
    return sorted(
        name
        for name, addresses in psutil.net_if_addrs().items()
        if name in named or any(one.address in named for one in addresses)
    )
