"""The PCI Express link of an interface."""

import re
from collections.abc import Iterable

from host_tuning.checking.findings import judged, not_applicable, unknown, unread, write_command
from host_tuning.checking.interfaces import device, none_configured, virtual
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change, FirmwareStep
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import Reading
from host_tuning.settings.memory import bracketed
from host_tuning.target.host import Host

POLICY = "/sys/module/pcie_aspm/parameters/policy"
PERFORMANCE = "performance"
WIDTH_UNKNOWN = "255"  # what the kernel prints for a link that reports none
ATTRIBUTES = ("speed", "width")


def inspect(host: Host) -> Iterable[Finding]:
    """Every interface's link runs as fast and wide as its device can, and never sleeps."""
    if not host.target.interfaces:
        yield none_configured("the link's maximum")
        return
    physical = False
    for name in host.target.interfaces:
        where = device(host, name)
        if not where:
            yield virtual(host, name, "the link's maximum")
        elif not host.tree.exists(f"{where}/max_link_speed"):
            yield _no_link(host, name, where)
        else:
            physical = True
            yield from (_link(host, name, where, attribute) for attribute in ATTRIBUTES)
            yield _power(host, name, where)
    if physical:
        yield _policy(host)


def _no_link(host: Host, name: str, where: str) -> Finding:
    path = f"{where}/max_link_speed"
    if not host.live and not host.tree.exists(f"{where}/vendor"):
        return unknown(f"{path}: not in this capture", name, paths=(path,))
    reason = "the device is on no PCI Express link that this host could see"
    return not_applicable(reason, name, paths=(path,))


def _number(text: str) -> float | None:
    """The number in `8.0 GT/s PCIe` or `16`; None for `Unknown`, 0 and the width of no link."""
    found = re.match(r"\d+(\.\d+)?", text)
    if found is None or text == WIDTH_UNKNOWN or float(found[0]) == 0:
        return None
    return float(found[0])


def _link(host: Host, name: str, where: str, attribute: str) -> Finding:
    now, most = (host.read(f"{where}/{kind}_link_{attribute}") for kind in ("current", "max"))
    slot = host.read(f"{where}/../max_link_{attribute}")
    expected = f"{attribute} {most.value}"
    for reading in (most, now):
        if not reading.ok:
            return unread(host, reading, expected, "the device reports no link", name)
    current, highest = _number(now.value), _number(most.value)
    paths = (now.path, most.path)
    actual = f"{attribute} {now.value}"
    if host.tree.exists(f"{where}/physfn"):
        reason = "a virtual function has no link of its own"
        return not_applicable(reason, name, actual=actual, paths=paths)
    if current is None or highest is None:
        reason = f"the device reports {now.value!r} of {most.value!r}"
        return unknown(reason, name, expected=expected, actual=actual, paths=paths)
    ok = current >= highest
    return Finding(
        Conformity.CONFORMS if ok else Conformity.DEVIATES,
        name,
        actual,
        now.value,
        expected,
        "" if ok else _why(slot, highest, attribute),
        paths,
    )


def _why(slot: Reading, highest: float, attribute: str) -> str:
    offered = _number(slot.value) if slot.ok else None
    if offered is not None and offered < highest:
        return f"the slot only offers {attribute} {slot.value}"
    return "the link was negotiated below what device and slot can do"


def _power(host: Host, name: str, where: str) -> Finding:
    reading = host.read(f"{where}/power/control")
    if not reading.ok:
        return unread(host, reading, "on", "the kernel has no runtime power management", name)
    return judged(
        reading.value == "on",
        reading,
        "on",
        subject=name,
        reason="" if reading.value == "on" else "the device may be suspended while it is idle",
        fix=(write_command("on", reading.path),),
        undo=(write_command(reading.value, reading.path),),
    )


def _policy(host: Host) -> Finding:
    reading = host.read(POLICY)
    if "off" in host.boot.values("pcie_aspm"):
        reason = "booted with pcie_aspm=off"
        paths = (host.boot.path,)
        return Finding(Conformity.CONFORMS, "host", "off", "off", PERFORMANCE, reason, paths)
    if not reading.ok:
        return unread(host, reading, PERFORMANCE, "the kernel was built without ASPM")
    word = bracketed(reading.value)
    return judged(
        word == PERFORMANCE,
        reading,
        PERFORMANCE,
        parsed=word,
        reason="" if word == PERFORMANCE else "a link may sleep between frames",
        fix=(write_command(PERFORMANCE, POLICY),),
        undo=(write_command(word, POLICY),),
    )


def steps(host: Host) -> Iterable[Step]:
    """Keep links and devices awake; a slow link is for whoever opens the case."""
    for finding in inspect(host):
        if finding.conformity is not Conformity.DEVIATES:
            continue
        if finding.paths == (POLICY,):
            yield Change("pcie", "bracket", POLICY, PERFORMANCE)
        elif finding.fix:
            yield Change("pcie", "file", finding.paths[0], "on", finding.subject)
        else:
            text = f"{finding.subject}: {finding.actual}, expected {finding.expected}"
            yield FirmwareStep("pcie", f"{text}: {finding.reason}")


SETTINGS = (
    Setting(
        id="pcie",
        group="network",
        title="PCI Express link",
        when=When.FIRMWARE,
        what="Whether an interface's link runs at its full speed and width and stays awake.",
        why="A narrow or slow link takes longer for every frame; one that sleeps has to wake.",
        see="cat /sys/class/net/IF/device/{current,max}_link_{speed,width}; "
        f"cat {POLICY} /sys/class/net/IF/device/power/control",
        set=f"another slot, or the firmware's setup; echo performance | sudo tee {POLICY}",
        undo="write back the word that stood in brackets",
        sources=(
            "Documentation/ABI/testing/sysfs-bus-pci: current_link_speed, power",
            "Documentation/admin-guide/kernel-parameters.txt: pcie_aspm",
        ),
        inspect=inspect,
        steps=steps,
    ),
)
