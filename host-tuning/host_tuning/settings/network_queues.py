"""Interfaces: queues and who serves them, offloads, and NAPI's own delays."""

from collections.abc import Iterable

from host_tuning.checking.findings import judged, not_applicable, unknown, unread, write_command
from host_tuning.checking.hot_cpus import NONE_REASON
from host_tuning.checking.interfaces import NET, ask, none_configured
from host_tuning.checking.knob import Knob, changes, exactly, look
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list, format_mask, parse_mask
from host_tuning.common.verdict import Conformity, Finding, Json
from host_tuning.common.words import counted
from host_tuning.target.host import Host

CHANNELS = ("combined", "rx", "tx")
OFFLOADS = {
    "lro": "rx-lro",
    "gro": "rx-gro",
    "rx-gro-hw": "rx-gro-hw",
    "rx-gro-list": "rx-gro-list",
    "rx-udp-gro-forwarding": "rx-udp-gro-forwarding",
    "tso": "tx-tcp-segmentation",
    "ntuple": "rx-ntuple-filter",
}
OPPOSITE = {"on": "off", "off": "on"}
NO_NAPI = "the kernel does not show it (napi_defer_hard_irqs came with Linux 5.8, threaded 5.12)"


def _queues(host: Host, name: str, direction: str) -> list[str]:
    """The directories of an interface's queues in the order of their numbers."""
    base = f"{NET}/{name}/queues"
    found = [one for one in host.tree.names(base) if one.startswith(f"{direction}-")]
    return [f"{base}/{one}" for one in sorted(found, key=lambda one: (len(one), one))]


def inspect_queues(host: Host) -> Iterable[Finding]:
    """No queue is steered to another CPU by software; channels, hash and masks are shown."""
    if not host.target.interfaces:
        yield none_configured("no software steering")
    for name in host.target.interfaces:
        yield _steering(host, name)
        if _wanted_channels(host):
            yield _channels(host, name)
        yield from _sending(host, name)


def _steering(host: Host, name: str) -> Finding:
    """What receives and sends where, judged by RPS: one finding, as there may be 128 queues."""
    paths, wrong, masks = [], [], {}
    for queue in _queues(host, name, "rx"):
        reading = host.read(f"{queue}/rps_cpus")
        if not reading.ok:
            return unread(host, reading, "no RPS", "the kernel was built without RPS", name)
        cpus = parse_mask(reading.value, reading.path)
        masks[queue.rpartition("/")[2]] = format_list(cpus)
        paths.append(reading.path)
        if cpus:
            wrong.append(reading)
    if not paths:
        path = f"{NET}/{name}/queues"
        if not host.live:
            return unknown(f"{path}: not in this capture", name, paths=(path,))
        return not_applicable("the interface shows no queue", name, paths=(path,))
    sending = _send_masks(host, name)
    parsed: dict[str, Json] = {"rps": {**masks}, "xps": {**sending}}
    words = [counted(len(masks), "receive queue"), *_described(host, name, parsed)]
    words += [f"{queue} for CPU {cpus}" for queue, cpus in sending.items() if cpus]
    handed = ", ".join(f"{queue} to CPU {cpus}" for queue, cpus in masks.items() if cpus)
    return Finding(
        Conformity.DEVIATES if wrong else Conformity.CONFORMS,
        name,
        ", ".join(words),
        parsed,
        "no RPS",
        f"frames are handed on by interrupt: {handed}" if wrong else "",
        tuple(paths),
        fix=tuple(write_command("0", one.path) for one in wrong),
        undo=tuple(write_command(one.value, one.path) for one in wrong),
    )


def _send_masks(host: Host, name: str) -> dict[str, str]:
    """Send queue -> CPUs. The kernel gives ENOENT for the mask of an only queue."""
    found = {}
    for queue in _queues(host, name, "tx"):
        reading = host.read(f"{queue}/xps_cpus")
        if reading.ok:
            found[queue.rpartition("/")[2]] = format_list(parse_mask(reading.value, reading.path))
    return found


def _described(host: Host, name: str, parsed: dict[str, Json]) -> Iterable[str]:
    """What the driver says of channels and flow hash, where it says something."""
    from host_tuning.facts import nic

    sheet = ask(host, name, "channels", lambda one: nic.sheet(one, "channels"))
    if not isinstance(sheet, Finding):
        counts = {kind: sheet[kind] for kind in CHANNELS if sheet[f"{kind}_max"]}
        parsed["channels"] = {**counts}
        yield from (f"{kind} {count} of {sheet[f'{kind}_max']}" for kind, count in counts.items())
    table = ask(host, name, "flow hash table", nic.indirection)
    if not isinstance(table, Finding):
        parsed["hash"] = format_list(table)
        yield f"flows hashed over queues {format_list(table)}"


def _wanted_channels(host: Host) -> dict[str, int]:
    """The counts that the site wants; a host has none of its own."""
    counts = {kind: host.target.option("nic-queues", kind, 0) for kind in CHANNELS}
    return {kind: count for kind, count in counts.items() if count}


def _channels(host: Host, name: str) -> Finding:
    from host_tuning.facts import nic

    wanted = _wanted_channels(host)
    expected = ", ".join(f"{kind} {count}" for kind, count in wanted.items())
    sheet = ask(host, name, "channels", lambda one: nic.sheet(one, "channels"), expected)
    if isinstance(sheet, Finding):
        return sheet
    wrong = [kind for kind, count in wanted.items() if sheet[kind] != count]
    fix = " ".join(f"{kind} {wanted[kind]}" for kind in wrong)
    undo = " ".join(f"{kind} {sheet[kind]}" for kind in wrong)
    return Finding(
        Conformity.DEVIATES if wrong else Conformity.CONFORMS,
        name,
        ", ".join(f"{kind} {sheet[kind]} of {sheet[f'{kind}_max']}" for kind in wanted),
        {kind: sheet[kind] for kind in CHANNELS},
        expected,
        "",
        (f"ethtool -l {name}",),
        fix=(f"sudo ethtool -L {name} {fix}",) if wrong else (),
        undo=(f"sudo ethtool -L {name} {undo}",) if wrong else (),
    )


def _own_queues(host: Host) -> bool:
    """Whether the site wants each hot CPU to send through a queue of its own."""
    return host.target.word("nic-queues", "xps", "leave", ("leave", "own")) == "own"


def _sending_wanted(host: Host, name: str) -> dict[str, frozenset[int]]:
    """Path -> CPUs: a queue for each hot CPU, the rest for the housekeeping ones.

    Empty if there are too few queues for that.
    """
    queues = _queues(host, name, "tx")
    if len(queues) <= len(host.hot):
        return {}
    rest = host.target.housekeeping or host.topology.online - host.target.hot
    owners = [*(frozenset([cpu]) for cpu in host.hot), *[rest] * (len(queues) - len(host.hot))]
    return {f"{queue}/xps_cpus": cpus for queue, cpus in zip(queues, owners, strict=True)}


def _sending(host: Host, name: str) -> Iterable[Finding]:
    if not _own_queues(host):
        return
    if not host.hot:
        yield not_applicable(NONE_REASON, name)
        return
    expected = "a send queue for each hot CPU"
    wanted = _sending_wanted(host, name)
    if not wanted:
        queues = counted(len(_queues(host, name, "tx")), "send queue")
        reason = f"too few for {counted(len(host.hot), 'hot CPU')} and the others"
        yield Finding(Conformity.DEVIATES, name, queues, None, expected, reason)
    for path, cpus in wanted.items():
        reading = host.read(path)
        if not reading.ok:
            yield unread(host, reading, expected, "the kernel was built without XPS", name)
            continue
        found = parse_mask(reading.value, path)
        yield judged(
            found == cpus,
            reading,
            f"CPU {format_list(cpus)}",
            subject=name,
            parsed=format_list(found),
            fix=(write_command(format_mask(cpus), path),),
            undo=(write_command(reading.value, path),),
        )


def steps_queues(host: Host) -> Iterable[Step]:
    """Channels as the site wants them, no RPS, and masks of its own for sending if wanted."""
    for name in host.target.interfaces:
        yield from _channel_steps(host, name)
        for queue in _queues(host, name, "rx"):
            reading = host.read(f"{queue}/rps_cpus")
            if reading.ok and parse_mask(reading.value, reading.path):
                yield Change("nic-queues", "cpumask", reading.path, "0", name)
        wanted = _sending_wanted(host, name) if _own_queues(host) and host.hot else {}
        for path, cpus in wanted.items():
            reading = host.read(path)
            if reading.ok and parse_mask(reading.value, path) != cpus:
                yield Change("nic-queues", "cpumask", path, format_mask(cpus), name)


def _channel_steps(host: Host, name: str) -> Iterable[Step]:
    wanted = _wanted_channels(host)
    found = _channels(host, name).parsed if wanted else None
    if isinstance(found, dict):
        for kind, count in wanted.items():
            if found[kind] != count:
                target = f"{name} channels {kind}"
                yield Change("nic-queues", "ethtool", target, str(count), name)


def inspect_offloads(host: Host) -> Iterable[Finding]:
    """Large receive offload is off; what is fixed is marked; the rest is the site's to judge."""
    if not host.target.interfaces:
        yield none_configured("lro off")
    for name in host.target.interfaces:
        yield _offloads(host, name)


def _wanted_offloads(host: Host) -> dict[str, str]:
    """Short name -> on or off. GRO is judged only where the site has measured it."""
    gro = host.target.word("nic-offloads", "gro", "", ("", "on", "off"))
    return {"lro": "off", "gro": gro} if gro else {"lro": "off"}


def _offloads(host: Host, name: str) -> Finding:
    from host_tuning.facts import nic

    wanted = _wanted_offloads(host)
    expected = ", ".join(f"{short} {state}" for short, state in wanted.items())
    found = ask(host, name, "offloads", nic.features, expected)
    if isinstance(found, Finding):
        return found
    shown = {short: found[kernel] for short, kernel in OFFLOADS.items() if kernel in found}
    states = {short: "on" if one.active else "off" for short, one in shown.items()}
    marks = {short: " [fixed]" if one.fixed else "" for short, one in shown.items()}
    off = [short for short, state in wanted.items() if states.get(short, state) != state]
    wrong = [short for short in off if not shown[short].fixed]
    stuck = [short for short in off if shown[short].fixed]
    reason = f"the driver fixed {', '.join(stuck)}: nothing can change it" if stuck else ""
    outcome = Conformity.REPORT if stuck else Conformity.CONFORMS
    return Finding(
        Conformity.DEVIATES if wrong else outcome,
        name,
        ", ".join(f"{short} {state}{marks[short]}" for short, state in states.items()),
        {short: f"{state}{marks[short]}" for short, state in states.items()},
        expected,
        reason,
        (f"ethtool -k {name}",),
        fix=tuple(f"sudo ethtool -K {name} {short} {wanted[short]}" for short in wrong),
        undo=tuple(f"sudo ethtool -K {name} {short} {states[short]}" for short in wrong),
    )


def steps_offloads(host: Host) -> Iterable[Step]:
    """Turn off what deviates, and GRO as the site wants it."""
    for name in host.target.interfaces:
        found = _offloads(host, name)
        if found.conformity is Conformity.DEVIATES and isinstance(found.parsed, dict):
            for short, wanted in _wanted_offloads(host).items():
                if found.parsed.get(short) == OPPOSITE[wanted]:  # not what the driver fixed
                    target = f"{name} feature {short}"
                    yield Change("nic-offloads", "ethtool", target, wanted, name)


def _napi(host: Host, name: str) -> list[Knob]:
    base = f"{NET}/{name}"
    threaded = exactly(f"{base}/threaded", 0, NO_NAPI, "a kernel thread polls the queues", name)
    if host.target.word("napi", "mode", "interrupt", ("interrupt", "busy-poll")) == "interrupt":
        why = "interrupts are deferred"
        return [
            exactly(f"{base}/napi_defer_hard_irqs", 0, NO_NAPI, why, name),
            exactly(f"{base}/gro_flush_timeout", 0, NO_NAPI, why, name),
            threaded,
        ]
    why = "busy polling has no interrupts to defer"
    irqs = host.target.option("napi", "defer_hard_irqs", 2)
    flush_ns = host.target.option("napi", "gro_flush_timeout_ns", 200_000)
    return [
        exactly(f"{base}/napi_defer_hard_irqs", irqs, NO_NAPI, why, name),
        exactly(f"{base}/gro_flush_timeout", flush_ns, NO_NAPI, why, name),
        threaded,
    ]


def inspect_napi(host: Host) -> Iterable[Finding]:
    """Nothing is deferred; or as much as sockets that prefer busy polling need."""
    if not host.target.interfaces:
        yield none_configured()
    for name in host.target.interfaces:
        # Every kernel shows an MTU: a capture without it has only some of the interface's files.
        if not host.live and not host.tree.exists(f"{NET}/{name}/mtu"):
            path = f"{NET}/{name}/napi_defer_hard_irqs"
            yield unknown(f"{path}: not in this capture", name, paths=(path,))
            continue
        for knob in _napi(host, name):
            yield look(host, knob)


def steps_napi(host: Host) -> Iterable[Step]:
    """One write a file."""
    for name in host.target.interfaces:
        yield from changes("napi", host, _napi(host, name))


SETTINGS = (
    Setting(
        id="nic-queues",
        group="network",
        title="queues and steering",
        when=When.RUNTIME,
        what="How many queues there are, which flows they get, and whether software hands frames "
        "on to other CPUs. Site options: combined, rx, tx (counts), xps (leave, own).",
        why="With RPS the CPU that took the interrupt puts the frame into another CPU's backlog "
        "and interrupts it: one more hop, and the frame is in the wrong cache.",
        see=f"ethtool -l IF; ethtool -x IF; grep . {NET}/IF/queues/*/?ps_cpus",
        set=f"echo 0 | sudo tee {NET}/IF/queues/rx-*/rps_cpus; sudo ethtool -L IF combined N",
        undo="write the old masks and counts back",
        sources=("Documentation/networking/scaling.rst",),
        inspect=inspect_queues,
        steps=steps_queues,
    ),
    Setting(
        id="nic-offloads",
        group="network",
        title="offloads",
        when=When.RUNTIME,
        what="Whether the driver or kernel joins received frames. Site option: gro (on, off).",
        why="Large receive offload joins frames and loses where they began; it waits for more. "
        "What GRO costs or saves depends on traffic and driver: only measurement tells.",
        see="ethtool -k IF",
        set="sudo ethtool -K IF lro off",
        undo="sudo ethtool -K IF lro on",
        sources=(
            "Documentation/networking/netdev-features.rst",
            "Documentation/networking/segmentation-offloads.rst",
        ),
        inspect=inspect_offloads,
        steps=steps_offloads,
    ),
    Setting(
        id="napi",
        group="network",
        title="deferred interrupts",
        when=When.RUNTIME,
        what="Whether interrupts stay off after a poll, and who polls. Site options: mode "
        "(interrupt, busy-poll), defer_hard_irqs, gro_flush_timeout_ns.",
        why="A deferred interrupt is a frame that waits for gro_flush_timeout nanoseconds, unless "
        "the socket's owner polls the queue itself (SO_PREFER_BUSY_POLL).",
        see=f"cat {NET}/IF/napi_defer_hard_irqs {NET}/IF/gro_flush_timeout {NET}/IF/threaded",
        set=f"echo 0 | sudo tee {NET}/IF/napi_defer_hard_irqs {NET}/IF/gro_flush_timeout",
        undo="write the old numbers back",
        sources=("Documentation/networking/napi.rst: software IRQ coalescing, busy polling",),
        inspect=inspect_napi,
        steps=steps_napi,
    ),
)
