"""The one face of every transport: it opens either end of a stream, wherever that was described.

A `Where` is the neutral description, made from a venue's configuration or from a bridge's address.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.messaging.publication import PublicationEnd
from ironpit.common.errors import Exit, UserError
from ironpit.config.scalars import Endpoint, Scalar
from ironpit.transport.multicast import Group, MulticastError, Opened
from ironpit.transport.tls import Certificates, TlsDialler

Names = tuple[Declaration, ...]
Say = Callable[[str], None]
Without = Callable[[str, str], None]
# What keeps an end from being opened.
REFUSALS = (MulticastError, OSError, ValueError)


@dataclass(frozen=True)
class Where:
    """Where one end of a stream is.

    said: how errors name it, the key of a stream or an address. parted: whether it has parts with
    keys of their own. session: the one that is insisted on, "" for any. options: as the end takes
    them, by its names.
    """

    transport: str
    said: str
    parted: bool = False
    path: Path = Path()
    groups: tuple[Group, ...] = ()
    endpoint: Endpoint | None = None
    certificates: Certificates | None = None
    session: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def part(self, name: str) -> str:
        """How errors name a part of it."""
        return f"{self.said}.{name}" if self.parted else self.said


class Counting(NamedTuple):
    """Where an end counts: sets are made by their name, which begins with this one. file: for ends
    whose counters come and go."""

    name: str
    make: Callable[[str, Names], CounterSet] = lambda name, names: CounterSet(name, names)
    file: CountersFile | None = None

    def __call__(self, names: Names, what: str = "") -> CounterSet:
        """Those of the end, or of a part of it."""
        return self.make(f"{self.name}-{what}" if what else self.name, names)


class Option(NamedTuple):
    """What an address can be told: how it is read, and the name that the end has for it."""

    scalar: Scalar
    to: str


class News(Protocol):
    """Says what has happened since the last look."""

    def look(self) -> None: ...


class Source:
    """A receiving end, and what the other side has said of the stream. insists: on the session that
    its description names."""

    def __init__(
        self, where: Where, opened: Opened[Any], dialler: TlsDialler | None = None
    ) -> None:
        self.opened = opened
        self.end: Any = opened.end
        self.insists = bool(where.session)
        self.dialler = dialler

    @property
    def session(self) -> str | None:
        """The session of the stream, as the other side says; None while nothing was heard of it,
        "" when it has none."""
        return ""

    @property
    def identity(self) -> str:
        """Of the stream, whatever its session is called; "" where that is not said: over a
        network."""
        return ""

    @property
    def session_next(self) -> str:
        """The session that has followed, or stands where another one was wanted; "" for none."""
        return ""

    def news(self, say: Say) -> News | None:
        """Who tells the operator what becomes of the connection."""
        return None

    def start(self) -> None:
        """Begin what is beside the data plane."""
        if self.dialler is not None:
            self.dialler.start()

    def close(self) -> None:
        """Leave the stream."""
        if self.dialler is not None:
            self.dialler.stop()


class Offer:
    """A sending end from before the stream's session is known, with what has to be had at once.
    `publish` opens it. UserError, which begins with `where.said` or a part of it."""

    # Whether frames stay there when nobody sends, with the session that they are of: then the end
    # is open from the start.
    keeps = False

    def __init__(self, where: Where, counting: Counting, say: Say) -> None:
        self.where = where
        self.counting = counting
        self.say = say
        self.opened: Opened[Any] | None = None

    def publish(self, session: str, **more: Any) -> PublicationEnd:
        """The end, for frames of this session. more: options that are known only now."""
        self.opened = self._open(session, **more)
        end: PublicationEnd = self.opened.end
        return end

    def _open(self, session: str, **more: Any) -> Opened[Any]:
        raise NotImplementedError

    @property
    def end(self) -> PublicationEnd | None:
        """None until it is open."""
        return self.opened.end if self.opened is not None else None

    @property
    def taken_away(self) -> bool:
        """Whether nobody new will find what is written."""
        return False

    @property
    def session(self) -> str:
        """That of the frames that are kept; "" while that is not said."""
        return ""

    @property
    def identity(self) -> str:
        """That of the stream whose frames are kept; "" while that is not known."""
        return ""

    @property
    def sequence_next(self) -> int:
        """The number that the next frame will have."""
        return self.end.sequence_next if self.end is not None else 1

    @property
    def window_bytes(self) -> int:
        """How much of the stream readers may ask for again."""
        return int(self.where.options["window_bytes"])

    @property
    def says_connections(self) -> bool:
        """Whether somebody else tells of the readers' connections."""
        return False

    def begin(self, session: str, identity: str) -> PublicationEnd:
        """The end, for frames of this session; it holds no other's."""
        return self.end if self.end is not None else self.publish(session)

    def begin_anew(self, session: str) -> None:
        """Tell readers that the stream is over, and put a new one in its place. Where frames are
        kept alone."""
        raise UserError(f"{self.where.said}: holds one session", Exit.REFUSED)

    def start(self) -> None:
        """Begin what is beside the data plane."""

    def close(self) -> None:
        """Leave the readers."""
        if self.opened is not None:
            self.opened.close()


class Transport(ABC):
    """One way to carry streams. `usage` is how an address is written; from_options and to_options
    what it can be told."""

    name: str
    usage: str
    # Whether its streams are rings that can be looked at.
    rings = False
    from_options: ClassVar[Mapping[str, Option]] = {}
    to_options: ClassVar[Mapping[str, Option]] = {}

    @abstractmethod
    def place(self, text: str) -> Mapping[str, Any]:
        """What of a `Where` the address says before its options. WrongError."""

    def contradiction(self, direction: str, options: Mapping[str, Any]) -> "WrongError | None":
        """What is wrong with options, by their names in the address, that do not go together."""
        return None

    def of_address(self, options: Mapping[str, Any], direction: str) -> Mapping[str, Any]:
        """What of a `Where` the options of an address say."""
        known = self.to_options if direction == "to" else self.from_options
        told = {known[name].to: value for name, value in options.items()}
        return {"session": told.pop("session", ""), "options": told}

    @abstractmethod
    def same(self, read: Where, written: Where) -> bool:
        """Whether who reads the one would get what is written to the other."""

    @abstractmethod
    def configured(
        self, stream: Any, key: str, *, publishes: bool, refuse: bool
    ) -> Mapping[str, Any]:
        """What of a `Where` a stream of a venue's configuration says. refuse: the kernel's path,
        where AF_XDP is asked for by name."""

    @abstractmethod
    def offer(
        self, where: Where, counting: Counting, say: Say, without: Without | None = None
    ) -> Offer:
        """The sending end. without: told of a part that the host has no way to, which is left out;
        otherwise it is an error."""

    @abstractmethod
    def subscribe(
        self, where: Where, counting: Counting, say: Say, *, sequence: int = 1, session: str = ""
    ) -> Source:
        """The receiving end, which goes on with this number as far as it can. session: of the
        frames before it, when that is known. One of REFUSALS."""

    def counters_max(self, where: Where) -> int:
        """How many counters a sending end has beyond the few dozen of any."""
        return 0


class WrongError(Exception):
    """Something in an address that cannot be used: what was found, what was expected."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.found = found
        self.expected = expected


def read(scalar: Scalar, text: str, name: str = "") -> Any:
    """A part of an address. WrongError."""
    try:
        return scalar.read(text)
    except ValueError as error:
        raise WrongError(f"{name}={text}" if name else repr(text), scalar.expected) from error


def reason_of(error: Exception) -> str:
    """What went wrong, without the path that is said already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
