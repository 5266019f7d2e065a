"""Which room may use which: the floor plan of docs/ARCHITECTURE.md as one table."""

from collections.abc import Iterator
from pathlib import Path

from tools.imports import Import, Source, sources, within

# A room's place in the data plane. An arrow may point to a lower layer, and within a layer to the
# rooms that BESIDE names.
LAYERS = {
    "ironcore.base": 0,
    "ironcore.wire": 1,
    "ironcore.ring": 1,
    "ironcore.net": 1,
    "ironcore.messaging": 2,
    "ironcore.book": 2,
    "ironcore.engine": 2,
    "ironcore.stream": 3,
    "ironcore.order_entry": 3,
    "ironcore.market_data": 3,
    "ironcore.stage": 4,
    "ironcore.runtime": 5,
    "ironcore.library": 5,
    "ironcore.client": 5,
    "ironcore.simulation": 5,
    "ironcore.bench": 5,
}
BESIDE = {
    "ironcore.engine": ("ironcore.book",),
    "ironcore.order_entry": ("ironcore.stream",),
    "ironcore.market_data": ("ironcore.stream",),
    "ironcore.simulation": ("ironcore.runtime",),
    "ironcore.bench": ("ironcore.runtime", "ironcore.library"),
}
# The rooms of the control plane, lowest first: each may use those before it.
CONTROL_PLANE = (
    "ironpit.common",
    "ironpit.onload",
    "ironpit.config",
    "ironpit.flow",
    "ironpit.transport",
    "ironpit.library",
    "ironpit.client",
    "ironpit.market_data",
    "ironpit.venue",
    "ironpit.bridge",
    "ironpit.operate",
    "ironpit.demo",
    "ironpit.bench",
    "ironpit.cli",
)
HOST_TOOL = (
    "host_tuning.common",
    "host_tuning.facts",
    "host_tuning.target",
    "host_tuning.checking",
    "host_tuning.changing",
    "host_tuning.settings",
    "host_tuning.reports",
    "host_tuning.jitter",
    "host_tuning.commands",
)
# What the control plane may touch of the lowest layer.
BASE = (
    "base.counter_declaration",
    "base.counter_set",
    "base.counters",
    "base.histogram",
    "base.status",
)
# What each room of the control plane may touch of the data plane.
REACHES = {
    "ironpit.client": (*BASE, "client", "wire"),
    "ironpit.flow": ("wire",),
    "ironpit.library": ("engine.matching_engine", "library", "wire"),
    "ironpit.transport": (*BASE, "messaging", "net.af_xdp", "runtime"),
    "ironpit.market_data": (*BASE, "client", "market_data", "messaging", "wire"),
    "ironpit.venue": (
        *BASE,
        *("market_data", "messaging", "order_entry", "runtime", "stage", "stream", "wire"),
    ),
    "ironpit.bridge": (*BASE, "messaging", "runtime", "stage", "stream"),
    "ironpit.operate": (*BASE, "messaging", "runtime", "stream", "wire"),
    "ironpit.demo": (*BASE, "runtime"),
    "ironpit.bench": (*BASE, "bench", "messaging", "wire"),
    "ironpit.cli": (*BASE, "runtime", "stream", "wire"),
}
# Pure packages: no I/O, no clock, no randomness.
PURE = ("ironcore.wire", "ironcore.book", "ironcore.engine", "ironcore.stream.directory")
IMPURE = (
    "ironcore.base.clock",
    "ironcore.base.files",
    "libc.stdio",
    "libc.time",
    "posix.fcntl",
    "posix.time",
    "posix.unistd",
    "io",
    "os",
    "random",
    "secrets",
    "socket",
    "time",
)
# Stages meet only at rings: a module of one stage imports nothing of another's. What they share:
STAGE_SHARED = ("ironcore.stage.agent",)
# Order entry knows no protocol: outside the rooms of the protocols, which are the folders of
# order_entry, neither it nor the gateway's stage takes more of the codecs than the records.
NEUTRAL = ("ironcore.order_entry", "ironcore.stage.gateway", "ironcore.stage.gateway_duty")
NEUTRAL_WIRE = ("ironcore.wire.order_options", "ironcore.wire.record")


def room_of(module: str) -> str:
    """The folder below the root that a module lies in; a module of the root is its own room."""
    return ".".join(module.split(".")[:2])


def _plane(importer: str, target: str, rooms: tuple[str, ...]) -> str:
    above, below = room_of(importer), room_of(target)
    if above in rooms and below in rooms and rooms.index(below) > rooms.index(above):
        return f"the arrow points up: {above} imports {below}"
    if below not in rooms and above in rooms and "." in target and target.count(".") > 1:
        return f"{below} is no room of the floor plan"
    return ""


def _host_tool(importer: str, target: str) -> str:
    if within(target, "ironcore") or within(target, "ironpit"):
        return "host_tuning imports neither ironcore nor ironpit"
    return _plane(importer, target, HOST_TOOL) if within(target, "host_tuning") else ""


def _control_plane(importer: str, target: str) -> str:
    if within(target, "host_tuning"):
        return "ironpit does not import host_tuning"
    if within(target, "ironcore"):
        reached = REACHES.get(room_of(importer), ())
        if not any(within(target, f"ironcore.{package}") for package in reached):
            return f"{room_of(importer)} reaches only {', '.join(reached) or 'nothing'} of ironcore"
    return _plane(importer, target, CONTROL_PLANE) if within(target, "ironpit") else ""


def _data_plane(importer: str, target: str) -> str:
    if within(target, "ironpit") or within(target, "host_tuning"):
        return "ironcore imports neither ironpit nor host_tuning"
    if any(within(importer, pure) for pure in PURE) and any(within(target, io) for io in IMPURE):
        return "this package is pure: no I/O, no clock, no randomness"
    above, below = room_of(importer), room_of(target)
    if above not in LAYERS or below not in LAYERS or above == below:
        own = above == below == "ironcore.stage" and importer != target
        return _between_stages(importer, target) if own else ""
    if LAYERS[below] > LAYERS[above]:
        return f"the arrow points up: L{LAYERS[above]} imports L{LAYERS[below]}"
    if LAYERS[below] == LAYERS[above] and below not in BESIDE.get(above, ()):
        return f"{above} does not use {below}, of the same layer (L{LAYERS[above]})"
    return ""


def _protocol(module: str) -> str:
    """The protocol in whose room a module lies; empty outside of them."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["ironcore", "order_entry"] and len(parts) > 3 else ""


def _order_entry(importer: str, imported: Import) -> str:
    own, theirs = _protocol(importer), _protocol(imported.module)
    if own:
        return "no protocol knows another" if theirs and theirs != own else ""
    if not any(within(importer, neutral) for neutral in NEUTRAL):
        return ""
    if theirs:
        return "order entry knows no protocol outside its room"
    target = imported.target
    if within(target, "ironcore.wire") and not any(within(target, w) for w in NEUTRAL_WIRE):
        return "order entry uses no codec outside the room of a protocol"
    return ""


def _between_stages(importer: str, target: str) -> str:
    if any(within(target, shared) for shared in STAGE_SHARED):
        return ""
    stages = [module.split(".")[2] for module in (importer, target) if module.count(".") > 1]
    same = len(stages) == 2 and (stages[0].split("_")[0] == stages[1].split("_")[0])
    return "" if same else "stages meet only at rings"


def complaint(importer: str, imported: Import) -> str:
    """Why the importer may not import that; empty if it may."""
    for package, judge in (
        ("host_tuning", _host_tool),
        ("ironpit", _control_plane),
        ("ironcore", _data_plane),
    ):
        if within(importer, package):
            return judge(importer, imported.target) or _order_entry(importer, imported)
    return ""


def violations(tree: Path) -> list[str]:
    """Every import under the tree's roots that the floor plan forbids."""
    return [
        f"{source.path}:{imported.line}: imports {imported.target}: {why}"
        for source in sources(tree)
        for imported in source.imports
        if (why := complaint(source.module, imported))
    ]


def strangers(read: list[Source]) -> list[str]:
    """Folders below the roots that are no room of the floor plan: their arrows are not judged."""
    known = {*LAYERS, *CONTROL_PLANE, *HOST_TOOL}
    folders = {
        Path(*source.path.parts[:3]): room_of(source.module)
        for source in read
        if len(source.path.parts) > 3  # a root, its package, the room's folder
    }
    return [
        f"{folder}: no room of the floor plan (tools/layers.py)"
        for folder, room in sorted(folders.items())
        if room not in known
    ]


def arrows(read: list[Source]) -> dict[str, set[str]]:
    """Module to modules that it imports, .pyx and .pxd of one name being one module."""
    modules = {source.module for source in read}
    found: dict[str, set[str]] = {module: set() for module in modules}
    for source in read:
        for imported in source.imports:
            target = imported.target if imported.target in modules else imported.module
            if target in modules and target != source.module:
                found[source.module].add(target)
    return found


def cycles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Groups of modules that import one another in a circle (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(module: str) -> Iterator[list[str]]:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in index:
                yield from visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            at = stack.index(module)
            group = sorted(stack[at:])
            del stack[at:]
            if len(group) > 1:
                yield group

    for module in sorted(graph):
        if module not in index:
            yield from visit(module)
