"""Addresses of streams as `ironpit bridge` takes them: transport:place?option=value&option=value.

Each transport says what its own take (ironpit.transport.kinds). Besides there is, for --from:

venue:FILE                                the event stream of the venue configured there
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironpit.common.errors import Exit, UserError
from ironpit.config import load, stage_kinds
from ironpit.transport import kinds
from ironpit.transport.ends import Option, Where, WrongError, read
from ironpit.transport.kinds import transport_of

VENUE = "venue"
# A venue's event stream is a ring.
RING = "shm"


@dataclass(frozen=True)
class Address:
    """One end of a bridge, as it was asked for."""

    text: str
    where: Where
    counters: Path | None = None  # where the counters of who reads there belong
    journal: Path | None = None  # that has the same stream


def wrong(direction: str, text: str, found: str, expected: str) -> UserError:
    """An argument that cannot be used."""
    return UserError(f"--{direction} {text}: found {found}, expected {expected}", Exit.USAGE)


def _known(direction: str) -> tuple[str, ...]:
    first, *others = kinds.NAMES
    return (first, VENUE, *others) if direction == "from" else kinds.NAMES


def parse(direction: str, text: str) -> Address:
    """The address of --from or --to. UserError names what is wrong in it."""
    name, colon, rest = text.partition(":")
    known = _known(direction)
    if not colon or name not in known:
        *others, last = (f"{one}:" for one in known)
        raise wrong(direction, text, repr(name), f"{', '.join(others)} or {last}")
    place, _, query = rest.partition("?")
    transport = transport_of(RING if name == VENUE else name)
    try:
        options = _options(
            transport.to_options if direction == "to" else transport.from_options, query
        )
        if (contradiction := transport.contradiction(direction, options)) is not None:
            raise contradiction
        if name == VENUE:
            return _venue(direction, text, place, options)
        found = {**transport.place(place), **transport.of_address(options, direction)}
    except WrongError as error:
        raise wrong(direction, text, error.found, error.expected) from error
    return Address(text, Where(name, f"--{direction} {text}", **found))


def _venue(direction: str, text: str, place: str, options: dict[str, Any]) -> Address:
    """The ring of a venue's event stream, for a reader that its configuration names. A lossy one
    has no place in the ring: nobody waits for it. ConfigError: the file is wrong."""
    config = load(Path(place))
    rules, name = config.streams.events.readers, options.pop("reader", "")
    known = sorted(set(rules) - set(stage_kinds.readers(config, ruled=True)))
    if name not in known:
        found = f"reader={name}" if name else "no reader="
        expected = f"one of {', '.join(known)}" if known else "a reader besides the stages"
        raise wrong(direction, text, found, f"{expected} (streams.events.readers)")
    if rules[name].gating:
        options["reader"] = name
    said = transport_of(RING).of_address(options, direction)
    return Address(
        text,
        Where(RING, f"--{direction} {text}", path=config.streams.events.path, **said),
        counters=config.venue.data_directory / f"counters-reader_{name}.dat",
        journal=config.journal.directory if rules[name].gating else None,
    )


def keep_apart(source: Address, target: Address) -> None:
    """UserError when a bridge would read what it writes itself."""
    read, written = source.where, target.where
    if read.transport == written.transport and transport_of(read.transport).same(read, written):
        raise wrong("to", target.text, f"where --from {source.text} reads", "another place")


def _options(known: Mapping[str, Option], query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in known:
            raise WrongError(f"the option {name!r}", f"one of {', '.join(known)}")
        if name in options:
            raise WrongError(f"the option {name!r} twice", "it once")
        options[name] = read(known[name].scalar, value, name)
    return options
