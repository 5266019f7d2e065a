"""Which gateway has which number in the stream.

The stream counts the frames of each order ring by the ring's number, which is its gateway's place
in the configuration. So a gateway keeps its place for as long as its stream: another one's ring
under its number would have its orders taken for repetitions, or be applied twice. The names stand
beside the journal's segments.
"""

from pathlib import Path

from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.venue import stream_identity

FILE = "gateways"


def recorded(journal: Path, identity: str) -> tuple[str, ...]:
    """The gateways of this stream, in the order of their numbers; none: it has not begun."""
    try:
        found, *names = (journal / FILE).read_text().splitlines()
    except (OSError, ValueError):
        return ()
    return tuple(names) if found == identity else ()


def settle(config: Config, identity: str) -> None:
    """Hold the configuration's gateways against the stream's, and remember those that are new.
    UserError: one has lost its place. For who holds the venue's lock."""
    names = tuple(gateway.name for gateway in config.gateways)
    known = recorded(config.journal.directory, identity)
    if names[: len(known)] != known:
        _refuse(
            config, names, known, "these first, in the order of the stream, and new ones after them"
        )
    if names != known:
        text = "".join(f"{line}\n" for line in (identity, *names))
        stream_identity.write_whole(config.journal.directory / FILE, text)


def check(config: Config) -> None:
    """The file may have been written anew since the venue was started: a process that is started
    again must not take one order ring for another."""
    stream = stream_identity.recorded(config.journal.directory)
    known = recorded(config.journal.directory, stream.identity) if stream is not None else ()
    names = tuple(gateway.name for gateway in config.gateways)
    if known and names != known:
        _refuse(config, names, known, "the gateways with which the venue was started")


def _refuse(config: Config, names: tuple[str, ...], known: tuple[str, ...], what: str) -> None:
    raise UserError(
        f"gateways: found {', '.join(names)}, expected {', '.join(known)}: {what} "
        f"({config.journal.directory / FILE})",
        Exit.REFUSED,
    )
