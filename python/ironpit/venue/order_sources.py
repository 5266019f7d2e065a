"""Which gateway has which number in the stream, and which sessions log in there.

The stream counts the frames of each order ring by the ring's number, which is its gateway's place
in the configuration. So a gateway keeps its place for as long as its stream: another one's ring
under its number would have its orders taken for repetitions, or be applied twice. The names stand
beside the journal's segments.

A session may log in at another gateway after the next start. Until then it stays: two gateways
that serve one session do not know of each other.
"""

from pathlib import Path

from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, gateways
from ironpit.venue import stream_identity

FILE = "gateways"

# Gateways in the order of their numbers, each with the user names of its sessions.
Sources = dict[str, tuple[str, ...]]


def recorded(journal: Path, identity: str) -> Sources:
    """The gateways of this stream as of the last start; none: it has not begun."""
    try:
        found, *lines = (journal / FILE).read_text().splitlines()
        read = [line.split() for line in lines]
        sources = {name: tuple(users) for name, *users in read}
    except (OSError, ValueError):
        return {}
    return sources if found == identity else {}


def configured(config: Config) -> Sources:
    """The gateways of the configuration."""
    found: dict[str, list[str]] = {gateway.name: [] for gateway in config.gateways}
    for session in config.sessions:
        found[gateways.of_session(config, session).name].append(session.username)
    return {name: tuple(users) for name, users in found.items()}


def settle(config: Config, identity: str) -> None:
    """Hold the configuration's gateways against the stream's, and remember those that are new.
    UserError: one has lost its place. For who holds the venue's lock."""
    wanted = configured(config)
    known = recorded(config.journal.directory, identity)
    if list(wanted)[: len(known)] != list(known):
        _refuse(config, known, "these first, in the order of the stream, and new ones after them")
    if wanted != known:
        lines = [" ".join((name, *users)) for name, users in wanted.items()]
        text = "".join(f"{line}\n" for line in (identity, *lines))
        stream_identity.write_whole(config.journal.directory / FILE, text)


def check(config: Config) -> Sources:
    """The gateways with their sessions as of the venue's start, whatever the file says by now: a
    process that is started again serves no session that another one serves. UserError: it would
    take one order ring for another."""
    stream = stream_identity.recorded(config.journal.directory)
    known = recorded(config.journal.directory, stream.identity) if stream is not None else {}
    wanted = configured(config)
    if known and list(wanted) != list(known):
        _refuse(config, known, "the gateways with which the venue was started")
    return known or wanted


def served(sources: Sources, name: str) -> tuple[str, ...] | None:
    """The user names of the sessions that log in at a gateway. None: all but those of the others;
    the first gateway has what nobody else has, as a session may have left the file and be in the
    stream still."""
    return None if name == next(iter(sources)) else sources[name]


def elsewhere(sources: Sources, name: str) -> tuple[str, ...]:
    """The user names of the sessions that log in at other gateways."""
    return tuple(user for other, users in sources.items() if other != name for user in users)


def _refuse(config: Config, known: Sources, what: str) -> None:
    names = ", ".join(gateway.name for gateway in config.gateways)
    raise UserError(
        f"gateways: found {names}, expected {', '.join(known)}: {what} "
        f"({config.journal.directory / FILE})",
        Exit.REFUSED,
    )
