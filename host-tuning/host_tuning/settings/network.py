"""Interfaces: which node they are at, how long they hold a frame back, what they drop."""

from collections.abc import Iterable
from dataclasses import replace

from host_tuning.checking.findings import not_applicable, unknown, unread
from host_tuning.checking.hot_cpus import NONE_REASON
from host_tuning.checking.interfaces import NET, ask, device, none_configured, virtual
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, parse_list
from host_tuning.common.verdict import Conformity, Cost, Finding, Json
from host_tuning.common.words import counted
from host_tuning.target.host import Host

LOCAL = 10  # the distance of a node to itself, by the firmware's definition
RINGS = ("rx", "rx_max", "tx", "tx_max")
DROPS = ("rx_missed_errors", "rx_fifo_errors", "rx_over_errors")


def inspect_node(host: Host) -> Iterable[Finding]:
    """Every hot CPU is local to the device of every interface."""
    if not host.target.interfaces:
        yield none_configured("hot CPUs on the interface's node")
    for name in host.target.interfaces:
        yield _node(host, name)


def _node(host: Host, name: str) -> Finding:
    expected = f"CPU {format_list(host.hot)} local to the device"
    where = device(host, name)
    if not where:
        return virtual(host, name, expected)
    reading = host.read(f"{where}/numa_node")
    cpus = host.read(f"{where}/local_cpulist")
    paths = (reading.path, cpus.path)
    if not host.hot:
        return not_applicable(NONE_REASON, name, actual=reading.value, paths=paths)
    if not reading.ok:
        return unread(host, reading, expected, "the device's bus knows no nodes", name)
    if reading.value == "-1":
        reason = "the firmware does not say at which node the device is (-1)"
        return unknown(reason, name, expected=expected, actual="-1", paths=paths)
    if not cpus.ok:
        return unread(host, cpus, expected, "the device's bus knows no local CPUs", name)
    local = parse_list(cpus.value, cpus.path)
    remote = host.target.hot - local
    actual = f"node {reading.value}, CPUs {cpus.value}"
    parsed: Json = {"node": reading.value, "local": format_list(local)}
    if not remote:
        return Finding(Conformity.CONFORMS, name, actual, parsed, expected, "", paths)
    reason = f"CPU {format_list(remote)} is remote"
    cost = Cost()
    distances = [
        distance
        for cpu in remote
        if (node := host.topology.node_of.get(cpu)) is not None and reading.value.isdigit()
        if (distance := host.topology.node_distance(node, int(reading.value))) is not None
    ]
    if distances:
        citation = "the firmware's node distances"
        cost = Cost("sysfs", max(distances) * 100 // LOCAL, "% of a local access", citation)
    return Finding(Conformity.DEVIATES, name, actual, parsed, expected, reason, paths, cost)


def _sheet(host: Host, name: str, what: str, title: str, expected: str) -> dict[str, int] | Finding:
    from host_tuning.facts import nic

    return ask(host, name, title, lambda one: nic.sheet(one, what), expected)


def _coalesce_wanted(host: Host) -> dict[str, int]:
    """Field -> the highest number that is right, in the order in which they are to be written.

    Frames come before microseconds: with none of the latter, only the former decide.
    """
    usecs = host.target.option("nic-coalescing", "rx_usecs_max", 0)
    frames = host.target.option("nic-coalescing", "rx_frames_max", 1)
    return {"adaptive_rx": 0, "rx_frames": frames, "rx_usecs": usecs}


def _expected(wanted: dict[str, int]) -> str:
    return ", ".join(f"{field} at most {highest}" for field, highest in wanted.items())


def _coalescing(host: Host, name: str) -> tuple[Finding, list[str]]:
    """The finding, and the fields that deviate."""
    wanted = _coalesce_wanted(host)
    sheet = _sheet(host, name, "coalesce", "interrupt coalescing", _expected(wanted))
    if isinstance(sheet, Finding):
        return sheet, []
    # A driver that counts no frames shows 0 of them, and there is nothing to set.
    wrong = [field for field, highest in wanted.items() if sheet[field] > highest]
    shown = {field: sheet[field] for field in (*wanted, "tx_usecs", "tx_frames", "adaptive_tx")}
    options = {field: field.replace("_", "-") for field in wanted}
    fix = [f"{options[field]} {_word(field, wanted[field])}" for field in wrong]
    undo = [f"{options[field]} {_word(field, sheet[field])}" for field in wrong]
    return Finding(
        Conformity.DEVIATES if wrong else Conformity.CONFORMS,
        name,
        " ".join(f"{field}={value}" for field, value in shown.items()),
        {**shown},
        _expected(wanted),
        f"frames wait: {', '.join(wrong)}" if wrong else "",
        (f"ethtool -c {name}",),
        _waiting(sheet, wrong),
        (f"sudo ethtool -C {name} {' '.join(fix)}",) if wrong else (),
        (f"sudo ethtool -C {name} {' '.join(undo)}",) if wrong else (),
    ), wrong


def _word(field: str, value: int) -> str:
    return str(value) if not field.startswith("adaptive") else ("on" if value else "off")


def _waiting(sheet: dict[str, int], wrong: list[str]) -> Cost:
    """How long a lone frame may wait, which the driver itself says; adaptive ones change it."""
    if "rx_usecs" in wrong and not sheet["adaptive_rx"]:
        return Cost("sysfs", sheet["rx_usecs"] * 1000, "ns", "rx_usecs of the driver, at most")
    return Cost()


def inspect_coalescing(host: Host) -> Iterable[Finding]:
    """A frame that arrives interrupts at once."""
    if not host.target.interfaces:
        yield none_configured(_expected(_coalesce_wanted(host)))
    for name in host.target.interfaces:
        yield _coalescing(host, name)[0]


def steps_coalescing(host: Host) -> Iterable[Step]:
    """One write a field."""
    for name in host.target.interfaces:
        for field in _coalescing(host, name)[1]:
            new = str(_coalesce_wanted(host)[field])
            yield Change("nic-coalescing", "ethtool", f"{name} coalesce {field}", new, name)


def inspect_rings(host: Host) -> Iterable[Finding]:
    """The rings are as the site wants them; a larger one than needed only fills the cache.

    Frames that were dropped for want of a buffer are reported: a count since the interface came up
    tells of a start or of last year as well as of now.
    """
    if not host.target.interfaces:
        yield none_configured("no drops")
    for name in host.target.interfaces:
        sizes = _sheet(host, name, "rings", "rings", "")
        yield _drops(host, name, sizes)
        if _wanted_rings(host):
            yield _rings(host, name, sizes)


def _drops(host: Host, name: str, sizes: dict[str, int] | Finding) -> Finding:
    counts: dict[str, Json] = {}
    paths = []
    total = 0
    for counter in DROPS:
        reading = host.read(f"{NET}/{name}/statistics/{counter}")
        if not reading.ok:
            return unread(host, reading, "no drops", "the interface has no counters", name)
        counts[counter] = int(reading.value)
        total += int(reading.value)
        paths.append(reading.path)
    actual = " ".join(f"{counter}={value}" for counter, value in counts.items())
    if not isinstance(sizes, Finding):
        counts |= {field: sizes[field] for field in RINGS}
        actual += f", ring {sizes['rx']} of {sizes['rx_max']}"
    if not total:
        return Finding(Conformity.CONFORMS, name, actual, counts, "no drops", "", tuple(paths))
    reason = (
        f"{counted(total, 'frame')} since the interface came up found no room; when, nobody "
        "knows: where it grows, a faster reader or a larger ring (overrides.nic-rings.rx in the "
        "host file)"
    )
    return Finding(Conformity.REPORT, name, actual, counts, "no drops", reason, tuple(paths))


def _wanted_rings(host: Host) -> dict[str, int]:
    """The sizes that the site wants; a host has none of its own."""
    sizes = {one: host.target.option("nic-rings", one, 0) for one in ("rx", "tx")}
    return {one: size for one, size in sizes.items() if size}


def _rings(host: Host, name: str, sizes: dict[str, int] | Finding) -> Finding:
    wanted = _wanted_rings(host)
    expected = ", ".join(f"{one} {size}" for one, size in wanted.items())
    if isinstance(sizes, Finding):
        return replace(sizes, expected=expected)
    wrong = [one for one, size in wanted.items() if sizes[one] != size]
    fix = " ".join(f"{one} {wanted[one]}" for one in wrong)
    undo = " ".join(f"{one} {sizes[one]}" for one in wrong)
    return Finding(
        Conformity.DEVIATES if wrong else Conformity.CONFORMS,
        name,
        f"rx {sizes['rx']} of {sizes['rx_max']}, tx {sizes['tx']} of {sizes['tx_max']}",
        {field: sizes[field] for field in RINGS},
        expected,
        "",
        (f"ethtool -g {name}",),
        fix=(f"sudo ethtool -G {name} {fix}",) if wrong else (),
        undo=(f"sudo ethtool -G {name} {undo}",) if wrong else (),
    )


def steps_rings(host: Host) -> Iterable[Step]:
    """The sizes that the site wants; drops alone change no ring, as nobody knows by how much."""
    wanted = _wanted_rings(host)
    for name in host.target.interfaces if wanted else ():
        sizes = _sheet(host, name, "rings", "rings", "")
        for one, size in wanted.items():
            if not isinstance(sizes, Finding) and sizes[one] != size:
                yield Change("nic-rings", "ethtool", f"{name} rings {one}", str(size), name)


SETTINGS = (
    Setting(
        id="nic-node",
        group="network",
        title="interface beside its CPUs",
        when=When.PLACEMENT,
        what="Whether the hot CPUs are on the NUMA node at which the interface's device is.",
        why="A frame lies in the cache or memory of the device's node; a CPU of another node gets "
        "every line of it through the link between them.",
        see=f"cat {NET}/IF/device/numa_node {NET}/IF/device/local_cpulist",
        set="place the hot stages on local CPUs (--plan --cores), or move the card to another slot",
        undo="place them as before",
        sources=("Documentation/ABI/testing/sysfs-bus-pci: numa_node, local_cpulist",),
        inspect=inspect_node,
    ),
    Setting(
        id="nic-coalescing",
        group="network",
        title="interrupt coalescing",
        when=When.RUNTIME,
        what="How long an interface waits for more frames before it interrupts. Site options: "
        "rx_usecs_max, rx_frames_max.",
        why="A lone frame waits for up to rx-usecs, and with adaptive coalescing for as long as "
        "the driver thinks right at the moment.",
        see="ethtool -c IF",
        set="sudo ethtool -C IF adaptive-rx off rx-frames 1 rx-usecs 0",
        undo="sudo ethtool -C IF with the old values",
        sources=("include/uapi/linux/ethtool.h: struct ethtool_coalesce",),
        inspect=inspect_coalescing,
        steps=steps_coalescing,
    ),
    Setting(
        id="nic-rings",
        group="network",
        title="receive rings and drops",
        when=When.RUNTIME,
        what="Whether frames were dropped for want of a buffer; the rings' sizes are reported. "
        "Site options: rx, tx.",
        why="A frame that found no room is lost. A ring larger than needed only spreads its frames "
        "over more of the cache, so that more is not better.",
        see=f"ethtool -g IF; grep . {NET}/IF/statistics/rx_*_errors",
        set="sudo ethtool -G IF rx N (the link goes down for a moment)",
        undo="sudo ethtool -G IF with the old sizes",
        sources=(
            "Documentation/networking/statistics.rst",
            "Documentation/ABI/testing/sysfs-class-net-statistics",
        ),
        inspect=inspect_rings,
        steps=steps_rings,
    ),
)
