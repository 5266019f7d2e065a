"""The kinds of stages, as plain data: what a configuration has of each, and where it may run.

KINDS is the one table: an entry a kind, in the direction of the stream. A kind's builder is the
module of its name in ironpit.venue.stages. A kind has instances: one of its own name, or several,
`KIND-NAME`. Where the placement names a kind it means those instances that it does not name
one by one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ironpit.config import gateways, scalars, transport_kinds
from ironpit.config.scalars import Endpoint

# A Config; its schema takes the names of stages from here.
Venue = Any
SNAPSHOT_PATIENCE_NS = 10_000_000


@dataclass(frozen=True)
class StageKind:
    """What the rest of the venue has to know of a kind.

    instances: of a configuration, by name. needs: what a configuration without one lacks. required:
    whether the placement has to name them; those of other kinds run when it does. beside: the kind
    in whose process they run, on a thread of their own, when the placement does not name them.
    listens: the TCP addresses that they listen on, by key. patience_ns: how long the event stream
    waits for an instance, 0: for ever; without it none reads the stream there. ruled: whether
    `streams.events.readers` may say another patience.
    """

    name: str
    instances: Callable[[Venue], tuple[str, ...]] | None = None
    needs: str = ""
    required: bool = True
    beside: str = ""
    listens: Callable[[Venue], Iterable[tuple[str, Endpoint | None]]] = lambda venue: ()
    patience_ns: Callable[[Venue, str], int] | None = None
    ruled: bool = True

    def of(self, venue: Venue) -> tuple[str, ...]:
        """The instances that this configuration has."""
        return self.instances(venue) if self.instances is not None else (self.name,)


def _for_ever(venue: Venue, name: str) -> int:
    return 0


def _as_configured(venue: Venue, name: str) -> int:
    return int(venue.streams.events.patience_ns)


def _hardly(venue: Venue, name: str) -> int:
    """The books of the snapshot server catch up from the journal: nobody's order waits for them."""
    return min(_as_configured(venue, name) or SNAPSHOT_PATIENCE_NS, SNAPSHOT_PATIENCE_NS)


def _gateways(venue: Venue) -> tuple[str, ...]:
    return tuple(gateway.stage for gateway in gateways.of(venue))


def _order_entry(venue: Venue) -> Iterable[tuple[str, Endpoint | None]]:
    for gateway in gateways.of(venue):
        yield f"{gateway.key}.listen", gateway.settings.listen


def _published(venue: Venue) -> Iterable[tuple[str, Endpoint | None]]:
    for name in ("events", "market_data"):
        stream = getattr(venue.streams, name)
        if transport_kinds.listens(stream):
            yield f"streams.{name}.listen", stream.listen


def _snapshots(venue: Venue) -> tuple[str, ...]:
    return ("snapshot",) if venue.streams.market_data.snapshot is not None else ()


def _snapshot_server(venue: Venue) -> Iterable[tuple[str, Endpoint | None]]:
    if venue.streams.market_data.snapshot is not None:
        yield "streams.market_data.snapshot.listen", venue.streams.market_data.snapshot.listen


def _bridges(venue: Venue) -> tuple[str, ...]:
    return tuple(f"bridge-{name}" for name in venue.streams.bridged)


def _bridged(venue: Venue) -> Iterable[tuple[str, Endpoint | None]]:
    for name, stream in venue.streams.bridged.items():
        yield f"streams.{name}.listen", stream.listen


def _bridge_patience(venue: Venue, name: str) -> int:
    return int(venue.streams.bridged[name.removeprefix("bridge-")].patience_ns)


KINDS = (
    StageKind("gateway", _gateways, listens=_order_entry, patience_ns=_as_configured),
    StageKind("matcher"),
    StageKind("journal", patience_ns=_for_ever),
    StageKind("publisher", listens=_published, patience_ns=_as_configured),
    StageKind(
        "snapshot",
        _snapshots,
        "streams.market_data.snapshot",
        beside="publisher",
        listens=_snapshot_server,
        patience_ns=_hardly,
        ruled=False,
    ),
    StageKind(
        "bridge",
        _bridges,
        "a stream for it, with transport: tcp",
        listens=_bridged,
        patience_ns=_bridge_patience,
        ruled=False,
    ),
)
NAMES = tuple(kind.name for kind in KINDS)
# Those that every venue has to place.
REQUIRED = tuple(k.name for k in KINDS if k.required and not k.beside and not k.needs)


def kind_of(stage: str) -> StageKind:
    """The kind that a name in the placement, or an instance, is of. KeyError: none."""
    for kind in KINDS:
        if stage == kind.name or stage.startswith(f"{kind.name}-"):
            return kind
    raise KeyError(stage)


def order_of(stage: str) -> int:
    """Where its kind stands in the direction of the stream."""
    return KINDS.index(kind_of(stage))


def scalar() -> scalars.Scalar:
    """A stage as the placement names it: a kind, or one of its instances."""

    def read(text: str) -> str:
        try:
            kind_of(text)
        except KeyError:
            raise ValueError from None
        return text

    return scalars.Scalar(f"one of {', '.join(NAMES)}", read)


def _placed(venue: Venue) -> list[str]:
    """The names that the placement has, once each."""
    processes = venue.placement.processes.values()
    return list(dict.fromkeys(s for p in processes for t in p.threads for s in t.stages))


def _meant(venue: Venue, stage: str, placed: list[str]) -> tuple[str, ...]:
    """The instances that a name in the placement stands for."""
    kind = kind_of(stage)
    if stage != kind.name:
        return (stage,)
    return tuple(n for n in kind.of(venue) if n == stage or n not in placed)


def stages_on(venue: Venue, thread: Any) -> tuple[str, ...]:
    """The instances of a thread of the placement, in the order of its duty cycle."""
    placed = _placed(venue)
    return tuple(name for stage in thread.stages for name in _meant(venue, stage, placed))


def named(venue: Venue) -> set[str]:
    """The instances that the placement gives a thread."""
    placed = _placed(venue)
    return {name for stage in placed for name in _meant(venue, stage, placed)}


def beside(venue: Venue, process: Any) -> tuple[str, ...]:
    """The instances that run in a process although the placement does not name them, each on a
    thread of its own."""
    kinds = {kind_of(stage).name for thread in process.threads for stage in thread.stages}
    taken = named(venue)
    return tuple(
        name
        for kind in KINDS
        if kind.beside in kinds
        for name in kind.of(venue)
        if name not in taken
    )


def readers(venue: Venue, *, ruled: bool | None = None) -> dict[str, int]:
    """The stages that the event stream waits for, and how long, in ns (0: for ever). ruled: those
    alone whose patience `streams.events.readers` may say, or may not."""
    taken = named(venue)
    return {
        name: kind.patience_ns(venue, name)
        for kind in KINDS
        if kind.patience_ns is not None and ruled in (None, kind.ruled)
        for name in kind.of(venue)
        if kind.required or kind.beside or name in taken
    }
