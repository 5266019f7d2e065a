"""Addresses of streams as `ironpit bridge` takes them: transport:place?option=value&option=value.

shm:PATH
venue:FILE                                the event stream of the venue configured there
multicast:GROUP:PORT@INTERFACE            with a second one after a comma, the B feed
tcp:ADDRESS:PORT
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironpit.common.errors import Exit, UserError
from ironpit.config import load, scalars
from ironpit.config.rules import READERS as STAGE_READERS
from ironpit.config.scalars import Endpoint, Scalar
from ironpit.transport import host
from ironpit.transport.multicast import Group

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MS, S, HOUR = 1_000_000, 1_000_000_000, 3_600_000_000_000

NOWHERE = Endpoint("", 0)
ANY_ADDRESS = "0.0.0.0"
# Of --to tcp: when it is not told; a smaller window bounds the queue with it.
WINDOW_BYTES = 64 * MIB
QUEUE_BYTES = 8 * MIB


def _one_of(*words: str) -> Scalar:
    return scalars.pattern("|".join(words), f"one of {', '.join(words)}")


NAME = scalars.pattern(r"[A-Za-z0-9_-]{1,15}", "1 to 15 letters, digits, _ and -")
READER = scalars.pattern(r"[A-Za-z0-9_-]{1,31}", "1 to 31 letters, digits, _ and -")
USER = scalars.pattern(r"[A-Za-z0-9]{1,6}", "1 to 6 letters and digits")
SESSION = scalars.pattern(r"[A-Za-z0-9]{1,10}", "1 to 10 letters and digits")
HOST = scalars.pattern(r"[A-Za-z0-9.-]{1,253}", "a host name or an IPv4 address")
NAMES = scalars.pattern(r"[A-Za-z0-9_-]{1,15}(,[A-Za-z0-9_-]{1,15})*", "names with commas between")
TIME = scalars.duration(10 * MS, HOUR)
TLS_TO = {"certificate": scalars.path(), "key": scalars.path(), "client_ca": scalars.path()}
TLS_FROM = {"certificate": scalars.path(), "key": scalars.path(), "server_ca": scalars.path()}

# What each end can be told, by direction and transport.
OPTIONS: dict[tuple[str, str], dict[str, Scalar]] = {
    ("from", "shm"): {"reader": READER, "from": _one_of("oldest", "now")},
    ("from", "venue"): {"reader": READER, "from": _one_of("oldest", "now")},
    ("to", "shm"): {
        "capacity": scalars.size(64 * KIB, 4 * GIB, power_of_two=False),
        "readers": NAMES,
        "patience": TIME,
        "huge_pages": _one_of("off", "auto", "require"),
        "lock": _one_of("off", "auto", "require"),
        "numa_node": scalars.integer(0, 1023),
    },
    ("from", "multicast"): {
        "session": SESSION,
        "rerequest": scalars.endpoint(),
        "give_up": TIME,
    },
    ("to", "multicast"): {
        "session": SESSION,
        "rerequest": scalars.endpoint(),
        "window": scalars.size(64 * KIB, 4 * GIB),
        "ttl": scalars.integer(0, 255),
        "heartbeat": TIME,
    },
    ("from", "tcp"): {
        "name": USER,
        "session": SESSION,
        "sequence": scalars.integer(0, (1 << 63) - 1),
        "stale": TIME,
        "heartbeat": TIME,
        "backoff_max": TIME,
        **TLS_FROM,
        "server_name": HOST,
    },
    ("to", "tcp"): {
        "session": SESSION,
        "window": scalars.size(64 * KIB, 4 * GIB),
        "queue": scalars.size(4 * KIB, 4 * GIB, power_of_two=False),
        "policy": _one_of("disconnect", "conflate"),
        "connections": scalars.integer(1, 1024),
        "heartbeat": TIME,
        "peer_timeout": TIME,
        **TLS_TO,
    },
}
TRANSPORTS = {"from": ("shm", "venue", "multicast", "tcp"), "to": ("shm", "multicast", "tcp")}


@dataclass(frozen=True)
class Address:
    """One end of a bridge, as it was asked for."""

    text: str
    transport: str
    options: dict[str, Any]
    path: Path = Path()
    groups: tuple[Group, ...] = ()
    endpoint: Endpoint = NOWHERE
    counters: Path | None = None  # where the counters of who reads there belong
    journal: Path | None = None  # that has the same stream


def wrong(direction: str, text: str, found: str, expected: str) -> UserError:
    """An argument that cannot be used."""
    return UserError(f"--{direction} {text}: found {found}, expected {expected}", Exit.USAGE)


def parse(direction: str, text: str) -> Address:
    """The address of --from or --to. UserError names what is wrong in it."""
    transport, colon, rest = text.partition(":")
    if not colon or transport not in TRANSPORTS[direction]:
        *others, last = (f"{known}:" for known in TRANSPORTS[direction])
        raise wrong(direction, text, repr(transport), f"{', '.join(others)} or {last}")
    place, _, query = rest.partition("?")
    options = _options(direction, text, transport, query)
    tls = [name for name in ("certificate", "key", "client_ca", "server_ca") if name in options]
    if tls and len(tls) != 3:
        missing = set(TLS_TO if direction == "to" else TLS_FROM) - set(tls)
        raise wrong(direction, text, f"{', '.join(tls)} alone", f"{', '.join(sorted(missing))} too")
    if "server_name" in options and not tls:
        raise wrong(direction, text, "server_name alone", f"{', '.join(sorted(TLS_FROM))} too")
    window_bytes = options.get("window", WINDOW_BYTES)
    if options.get("queue", 0) > window_bytes:
        found, most = scalars.show_size(options["queue"]), scalars.show_size(window_bytes)
        raise wrong(direction, text, f"queue={found}", f"at most window = {most}")
    if transport == "shm":
        if not place:
            raise wrong(direction, text, "no path", "shm:PATH")
        return Address(text, transport, options, path=Path(place))
    if transport == "venue":
        return _venue(direction, text, place, options)
    if transport == "multicast":
        return Address(text, transport, options, groups=_groups(direction, text, place))
    scalar = scalars.endpoint()
    endpoint = _read(direction, text, place, scalar)
    return Address(text, transport, options, endpoint=endpoint)


def _venue(direction: str, text: str, place: str, options: dict[str, Any]) -> Address:
    """The ring of a venue's event stream, for a reader that its configuration names. A lossy one
    has no place in the ring: nobody waits for it. ConfigError: the file is wrong."""
    config = load(Path(place))
    rules, name = config.streams.events.readers, options.pop("reader", "")
    known = sorted(set(rules) - set(STAGE_READERS))
    if name not in known:
        found = f"reader={name}" if name else "no reader="
        expected = f"one of {', '.join(known)}" if known else "a reader besides the stages"
        raise wrong(direction, text, found, f"{expected} (streams.events.readers)")
    if rules[name].gating:
        options["reader"] = name
    counters = config.venue.data_directory / f"counters-reader_{name}.dat"
    return Address(
        text,
        "shm",
        options,
        path=config.streams.events.path,
        counters=counters,
        journal=config.journal.directory if rules[name].gating else None,
    )


def keep_apart(source: Address, target: Address) -> None:
    """UserError when a bridge would read what it writes itself."""
    if source.transport == target.transport and _SAME[source.transport](source, target):
        raise wrong("to", target.text, f"where --from {source.text} reads", "another place")


def _same_ring(source: Address, target: Address) -> bool:
    return source.path.resolve() == target.path.resolve()


def _same_group(source: Address, target: Address) -> bool:
    """The same group by another interface is another place: subscribers join by interface."""
    read = {(group.address, host.interface_of(group)) for group in source.groups}
    return any((group.address, host.interface_of(group)) in read for group in target.groups)


def _same_listener(source: Address, target: Address) -> bool:
    if source.endpoint.port != target.endpoint.port:
        return False
    if source.endpoint.address == target.endpoint.address:
        return True
    return target.endpoint.address == ANY_ADDRESS and host.is_local(source.endpoint.address)


_SAME = {"shm": _same_ring, "multicast": _same_group, "tcp": _same_listener}


def _read(direction: str, text: str, value: str, scalar: Scalar, name: str = "") -> Any:
    try:
        return scalar.read(value)
    except ValueError as error:
        found = f"{name}={value}" if name else repr(value)
        raise wrong(direction, text, found, scalar.expected) from error


def _options(direction: str, text: str, transport: str, query: str) -> dict[str, Any]:
    known = OPTIONS[direction, transport]
    options: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in known:
            raise wrong(direction, text, f"the option {name!r}", f"one of {', '.join(known)}")
        if name in options:
            raise wrong(direction, text, f"the option {name!r} twice", "it once")
        options[name] = _read(direction, text, value, known[name], name)
    return options


def _groups(direction: str, text: str, place: str) -> tuple[Group, ...]:
    feeds = place.split(",")
    if len(feeds) > 2:
        raise wrong(direction, text, f"{len(feeds)} groups", "one, or two (A and B)")
    groups = []
    for feed in feeds:
        group, _, interface = feed.partition("@")
        endpoint = _read(direction, text, group, scalars.endpoint(multicast=True))
        groups.append(Group(endpoint, _read(direction, text, interface, scalars.interface())))
    return tuple(groups)
