"""Kernel bypass: Onload as it is there, proved with a socket like the venue's, and AF_XDP."""

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ironpit.config import stage_kinds
from ironpit.onload import launch, probe
from ironpit.onload.options import merged
from ironpit.onload.truth import DRIVER, Verdict
from ironpit.operate.doctor.feature import Context, Feature

AF_XDP = 44
ORDERS = "orders"
NO_CARD = "it needs a Solarflare card, its driver and the launcher `onload` (docs/KERNEL_BYPASS.md)"
TO_DO = {
    "stub": "start the venue with `ironpit run --onload latency`: the extension library is a stub",
    "late": "preload libonload.so (`ironpit run --onload latency`) instead of loading it later",
    "dropped": "remove the interpreter's file capabilities (`setcap -r`), and give ambient "
    "capabilities instead",
}
MEND = {  # how reasons begin
    "no driver": "load the driver (`onload_tool reload`) and look into dmesg",
    "the launcher": "load the driver (`onload_tool reload`) and look into dmesg",
    "version mismatch": "install Onload and its extension library from one release",
    "loopback": "listen on the address of an accelerated interface",
    "interface": "listen on the address of an interface with a Solarflare card",
    "the route": "listen on the address of an interface with a Solarflare card",
}


def kernel_bypass(context: Context) -> Feature:
    """Onload: available when a socket like the order-entry listener is proved accelerated, in this
    process or, when nothing is preloaded here, in one that the launcher starts."""
    library = context.truth.library
    blockers = list(launch.blockers(library))
    launcher = shutil.which(launch.LAUNCHER) or ""
    address = "0.0.0.0" if context.config is None else context.config.order_entry.listen.address
    verdict, by_launcher = probe.listener(address, context.truth), False
    if library.state == "absent" and launcher and not blockers:
        options = _launcher_options(context)
        verdict, by_launcher = probe.under_launcher(launcher, address, options), True
    in_use = _in_use(context)
    why_not, to_do = "", ""
    if not verdict.accelerated:
        why_not, to_do = verdict.reason, _to_do(verdict, library.state, launcher)
    elif in_use is False:
        why_not, to_do = _first_reason(context), "restart the venue with `ironpit run --onload`"
    return Feature(
        "kernel_bypass",
        "Kernel bypass (Onload)",
        verdict.accelerated,
        in_use,
        _wanted(context),
        "; ".join(filter(None, [why_not, *blockers])),
        to_do,
        {
            "library": library.state,
            "library_path": library.path,
            "extension_api": str(library.version or ""),
            "version_too_old": library.minor_missing,
            "release": library.release,
            "launcher": launcher,
            "driver_device": DRIVER.exists(),
            "preload_asked": os.environ.get("LD_PRELOAD", ""),
            "probe": {"path": verdict.path, "reason": verdict.reason, "by_launcher": by_launcher},
            "blockers": blockers,
            "options": launch.environment_options(os.environ),
            "doubtful_options": list(launch.doubtful_options(os.environ)),
            "uvloop_installed": find_spec("uvloop") is not None,
            "sockets": context.sockets,
        },
    )


def _launcher_options(context: Context) -> dict[str, str]:
    """What `ironpit run` would start the venue with."""
    onload = None if context.config is None else context.config.onload
    if onload is None or onload.profile is None:
        return {}
    return merged(onload.profile, onload.options)


def _wanted(context: Context) -> bool:
    config = context.config
    return context.require_onload or (
        config is not None and (config.require_onload or config.onload.profile is not None)
    )


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


def _to_do(verdict: Verdict, state: str, launcher: str) -> str:
    if state == "absent" and not launcher:
        return NO_CARD
    if state in TO_DO and state != "absent":
        return TO_DO[state]
    for start, to_do in MEND.items():
        if verdict.reason.startswith(start):
            return to_do
    return "unset the option that the reason names, and start the venue again"


def af_xdp(context: Context) -> Feature:
    """Whether the kernel makes AF_XDP sockets for this user, and whether the venue's feeds go by
    them."""
    title, wanted = "AF_XDP sockets", "af_xdp" in _ways(context)
    feeds = [feed for status in context.running for feed in status.get("feeds", ())]
    by_kernel = [feed for feed in feeds if feed["mode"] == "none"]
    in_use = (bool(feeds) and not by_kernel) if context.running else None
    why_not, to_do = "", ""
    if by_kernel:
        why_not = f"{by_kernel[0]['group']}: {by_kernel[0]['reason']}"
        to_do = "docs/KERNEL_BYPASS.md has the reasons that come up"
    available = True
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW, 0).close()
    except OSError as error:
        available = False
        why_not = f"the kernel makes no AF_XDP socket: {error.strerror}"
        to_do = "a kernel with CONFIG_XDP_SOCKETS"
        if error.errno == errno.EPERM:
            why_not, to_do = "no right to open a raw socket", "give the process CAP_NET_RAW"
    return Feature("af_xdp", title, available, in_use, wanted, why_not, to_do, {"feeds": feeds})


def _ways(context: Context) -> Iterator[str]:
    """How the venue's feeds are to go. Of market data the venue has the sending end alone: who
    receives it is another process."""
    if context.config is None:
        return
    streams = context.config.streams
    for stream in (streams.market_data, streams.events):
        for feed in (stream.a, stream.b):
            if feed is not None and stream.transport == "multicast":
                yield feed.send
                if stream is streams.events:
                    yield feed.receive


def interfaces_of(context: Context) -> list[str]:
    """Interfaces that the configuration's addresses belong to; all with hardware without one."""
    import psutil

    config = context.config
    if config is None:
        base = Path(context.root, "sys/class/net")
        names = sorted(p.name for p in base.iterdir()) if base.is_dir() else []
        return [name for name in names if (base / name / "device").exists()]
    market_data = config.streams.market_data
    listened = [e for kind in stage_kinds.KINDS for _, e in kind.listens(config)]
    named = {endpoint.address for endpoint in listened if endpoint is not None}
    named |= {g.interface for g in (market_data.a, market_data.b) if g is not None}
    return sorted(
        name
        for name, addresses in psutil.net_if_addrs().items()
        if name in named or any(one.address in named for one in addresses)
    )
