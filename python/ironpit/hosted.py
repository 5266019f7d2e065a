"""What a host would make of a configuration, found out without starting anything.

A configuration may be checked on another host than the one that will run it, so that what this one
lacks is doubted and not wrong.
"""

from collections.abc import Iterator
from pathlib import Path

from ironcore.runtime import pipeline
from ironpit.config import Config
from ironpit.config.scalars import show_size
from ironpit.config.schema import CarriedStream, Tls
from ironpit.errors import UserError
from ironpit.messaging import host, tls
from ironpit.messaging.multicast import Group

# The path of the key, and what is to be said of it.
Remark = tuple[str, str]


def roundings(config: Config) -> Iterator[Remark]:
    """Rings that get another capacity than the file says."""
    streams = config.streams
    rings: list[tuple[str, Path, int]] = [
        ("orders", streams.orders.path, streams.orders.capacity_bytes),
        ("events", streams.events.path, streams.events.capacity_bytes),
    ]
    market_data = streams.market_data
    if market_data.transport == "shm":
        rings.append(("market_data", market_data.path, market_data.capacity_bytes))
    for name, path, asked in rings:
        if (made := pipeline.ring_capacity(path, asked)) != asked:
            yield f"streams.{name}.capacity", rounding(asked, made)


def rounding(asked_bytes: int, made_bytes: int) -> str:
    """That a capacity is not what was asked for."""
    return f"{show_size(asked_bytes)} rounded up to {show_size(made_bytes)}, a power of two"


def doubts(config: Config) -> Iterator[Remark]:
    """Interfaces, routes, addresses and certificates that this host does not have: what
    `ironpit run` would refuse, or report as degraded, here."""
    yield from _listens("order_entry.listen", str(config.order_entry.listen))
    for name, stream in (
        ("events", config.streams.events),
        ("market_data", config.streams.market_data),
    ):
        yield from _carried(f"streams.{name}", stream, stream.transport)
    snapshot = config.streams.market_data.snapshot
    if snapshot is not None:
        yield from _listens("streams.market_data.snapshot.listen", str(snapshot.listen))
    for name, bridged in config.streams.bridged.items():
        yield from _listens(f"streams.{name}.listen", str(bridged.listen))
        if bridged.tls is not None:
            yield from _certificates(f"streams.{name}.tls", bridged.tls)


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
    if transport == "tcp":
        yield from _listens(f"{key}.listen", str(stream.listen))
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
