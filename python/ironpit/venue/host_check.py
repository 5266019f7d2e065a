"""What a host would make of a configuration, found out without starting anything.

A configuration may be checked on another host than the one that will run it, so that what this one
lacks is doubted and not wrong.
"""

import resource
from collections.abc import Iterator
from pathlib import Path

from ironcore.runtime import pipeline
from ironpit.common.errors import UserError
from ironpit.config import Config, stage_kinds
from ironpit.config.scalars import rounding, show_size
from ironpit.config.schema import CarriedStream, Tls
from ironpit.transport import host, tls
from ironpit.transport.multicast import Group
from ironpit.venue import credentials

NODES = Path("/sys/devices/system/node")
STATUS = Path("/proc/self/status")
CAP_IPC_LOCK = 14

# The path of the key, and what is to be said of it.
Remark = tuple[str, str]


def roundings(config: Config) -> Iterator[Remark]:
    """Rings that get another capacity than the file says."""
    streams = config.streams
    rings: list[tuple[str, Path, int]] = [
        *((g.orders_key, g.orders.path, g.orders.capacity_bytes) for g in config.gateways),
        ("streams.events", streams.events.path, streams.events.capacity_bytes),
    ]
    market_data = streams.market_data
    if market_data.transport == "shm":
        rings.append(("streams.market_data", market_data.path, market_data.capacity_bytes))
    for key, path, asked in rings:
        if (made := pipeline.ring_capacity(path, asked)) != asked:
            yield f"{key}.capacity", rounding(asked, made)


def doubts(config: Config) -> Iterator[Remark]:
    """Interfaces, routes, addresses, certificates, passwords and memory that this host lacks: what
    `ironpit run` would refuse, or report as degraded, here."""
    for kind in stage_kinds.KINDS:
        for key, endpoint in kind.listens(config):
            yield from _listens(key, str(endpoint))
    for name, stream in (
        ("events", config.streams.events),
        ("market_data", config.streams.market_data),
    ):
        yield from _carried(f"streams.{name}", stream, stream.transport)
    events = config.streams.events
    for gateway in config.gateways:
        ring = gateway.orders
        yield from _memory(gateway.orders_key, ring.lock, ring.numa_node, ring.capacity_bytes)
    yield from _memory("streams.events", events.lock, events.numa_node, events.capacity_bytes)
    for name, bridged in config.streams.bridged.items():
        if bridged.tls is not None:
            yield from _certificates(f"streams.{name}.tls", bridged.tls)
    if config.credentials.exists():  # it may be made after the file that names it
        try:
            credentials.load(config.credentials)
        except credentials.CredentialsError as error:
            yield "credentials", str(error)


def _memory(key: str, lock: str, numa_node: int | None, capacity_bytes: int) -> Iterator[Remark]:
    """A ring that could not be kept in memory, or on the node, that is asked for."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    short = limit != resource.RLIM_INFINITY and limit < capacity_bytes and not _may_lock()
    if lock == "require" and short:
        yield (
            f"{key}.lock",
            f"found RLIMIT_MEMLOCK {limit} bytes (ulimit -l), expected more than the ring's "
            f"{show_size(capacity_bytes)}, or CAP_IPC_LOCK",
        )
    nodes = sorted(int(path.name[4:]) for path in NODES.glob("node[0-9]*")) or [0]
    if numa_node is not None and numa_node not in nodes:
        yield f"{key}.numa_node", f"found {numa_node}, expected one of this host's nodes: {nodes}"


def _may_lock() -> bool:
    """Whether this process may lock as much memory as it likes."""
    for line in STATUS.read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_IPC_LOCK & 1)
    return False


def _certificates(key: str, files: Tls) -> Iterator[Remark]:
    """What the host refuses of the files of a listener with TLS; nothing when it takes them."""
    parts = ("certificate", "key", "client_ca")
    try:
        tls.context(tls.Certificates(files.certificate, files.key, files.client_ca), server=True)
    except UserError as error:
        # It begins with the key, or with the two of which either may be the wrong one.
        named, _, text = str(error).partition(": ")
        part = named.partition(",")[0]
        yield (f"{key}.{part}", text) if part in parts else (key, str(error))


def _listens(key: str, endpoint: str) -> Iterator[Remark]:
    if not host.is_local(endpoint.partition(":")[0]):
        yield key, f"found {endpoint}, expected an address of this host"


def _carried(key: str, stream: CarriedStream, transport: str) -> Iterator[Remark]:
    if transport != "multicast":
        return
    for feed, where in (("a", stream.a), ("b", stream.b)):
        if where is not None:
            yield from _group(f"{key}.{feed}", Group(where.group, where.interface))
    if stream.rerequest is not None:
        yield from _listens(f"{key}.rerequest.listen", str(stream.rerequest.listen))


def _group(key: str, group: Group) -> Iterator[Remark]:
    address = host.interface_of(group)
    if not address[0].isdigit():
        yield f"{key}.interface", f"found {group.interface!r}, expected an interface of this host"
    elif not host.is_local(address):
        yield f"{key}.interface", f"found {group.interface!r}, expected an address of this host"
    elif reason := host.no_way(group):
        yield key, f"no route to {group.address} by {group.interface}: {reason}"
