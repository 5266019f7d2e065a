"""Kernel bypass: Onload and what it needs of the host."""

from collections.abc import Iterable

from host_tuning.checking.findings import not_applicable, unknown
from host_tuning.checking.interfaces import NET, device
from host_tuning.checking.setting import Setting, When
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.target.host import Host

MODULES = "/sys/module"
REGISTER = "/sys/module/sfc_resource/afxdp/register"
DEVICE = "/dev/onload"
PROTOCOLS = "/proc/net/protocols"
STACKS = "/proc/driver/onload/stacks_ul"
NATIVE = "sfc"
WORDS = ("if-present", "yes")


def inspect(host: Host) -> Iterable[Finding]:
    """Onload is loaded where it is wanted, and can drive the interfaces that are configured."""
    wanted = host.target.word("onload", "use", "if-present", WORDS) == "yes"
    if not host.live and not host.tree.names(MODULES):
        yield unknown(f"{MODULES}: not in this capture", paths=(MODULES,))
    else:
        yield from _module(host, wanted)
    yield _af_xdp(host)


def _module(host: Host, wanted: bool) -> Iterable[Finding]:
    path = f"{MODULES}/onload"
    if not host.tree.exists(path):
        loaded = [one for one in ("sfc_resource", NATIVE) if host.tree.exists(f"{MODULES}/{one}")]
        beside = f"; loaded: {', '.join(loaded)}" if loaded else ""
        reason = f"the module onload is not loaded{beside}"
        if wanted:
            fix = ("sudo onload_tool reload",)
            yield Finding(
                Conformity.DEVIATES, expected="loaded", reason=reason, paths=(path,), fix=fix
            )
        else:
            yield not_applicable(reason, paths=(path,))
        return
    version = host.read(f"{path}/version")
    stacks = host.read(STACKS)
    there = host.tree.exists(DEVICE)
    absent = Conformity.DEVIATES if host.live else Conformity.UNKNOWN
    yield Finding(
        Conformity.CONFORMS if there else absent,
        actual=f"loaded, version {version.value or 'not told'}",
        parsed={"version": version.value, "device": there, "stacks": stacks.ok},
        expected=f"loaded, with {DEVICE}",
        reason="" if there else f"{DEVICE}: not there, or not in this capture",
        paths=(version.path, DEVICE, STACKS),
        fix=() if there else ("sudo onload_tool reload",),
    )
    for name in host.target.interfaces:
        yield _interface(host, name)


def _interface(host: Host, name: str) -> Finding:
    """A Solarflare card is driven natively; any other must be registered for AF_XDP."""
    path = f"{NET}/{name}/device/driver"
    driver = host.tree.link(path)
    expected = f"driver {NATIVE}, or registered for AF_XDP"
    if not device(host, name):
        return not_applicable("a virtual interface", name, expected=expected, paths=(path,))
    if driver == NATIVE:
        return Finding(Conformity.CONFORMS, name, driver, driver, expected, "", (path,))
    # The file can only be written; what was registered shows as a resource beside it.
    registrable = host.tree.exists(REGISTER)
    reason = f"driver {driver or 'unknown'}: "
    reason += (
        f"only through AF_XDP, once its name was written to {REGISTER}"
        if registrable
        else "this Onload cannot drive it, and has no AF_XDP registration"
    )
    return Finding(Conformity.REPORT, name, driver, driver, expected, reason, (path, REGISTER))


def _af_xdp(host: Host) -> Finding:
    """The kernel lists a protocol XDP where it was built with AF_XDP sockets."""
    reading = host.read(PROTOCOLS)
    if not reading.ok:
        text = f"{PROTOCOLS}: not in this capture" if not host.live else reading.why_not
        return unknown(text, paths=(PROTOCOLS,))
    names = {line.split()[0] for line in reading.text.splitlines()[1:] if line.split()}
    has = "XDP" in names
    return Finding(
        Conformity.REPORT,
        actual="AF_XDP sockets" if has else "no AF_XDP sockets",
        parsed=has,
        reason="" if has else "the kernel was built without CONFIG_XDP_SOCKETS",
        paths=(PROTOCOLS,),
    )


SETTINGS = (
    Setting(
        id="onload",
        group="network",
        title="kernel bypass",
        when=When.REPORT,
        what="Whether Onload is loaded, drives the configured interfaces, and whether the kernel "
        "has AF_XDP sockets. Site option: use (if-present, yes).",
        why="A bypass takes frames out of the card's queue in user space, without interrupt or "
        "system call. AMD reports 717 ns for half a UDP round trip and 794 ns for TCP with "
        "Onload on an X3 card (UG1586); no such figure is claimed for this host.",
        see="lsmod | grep onload; cat /sys/module/onload/version; onload_stackdump lots",
        set="sudo onload_tool reload; AF_XDP: echo IF | sudo tee "
        "/sys/module/sfc_resource/afxdp/register",
        undo="sudo onload_tool unload",
        sources=(
            "AMD UG1586, Onload User Guide",
            "Onload's README: AF_XDP support",
            "Documentation/networking/af_xdp.rst",
        ),
        inspect=inspect,
    ),
)
