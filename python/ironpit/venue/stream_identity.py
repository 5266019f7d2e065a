"""Which stream a journal holds: an identity that no other one has, and the session it is sent as.

Numbers of frames mean the same only within one stream, and a journal that is begun anew begins them
anew. Its rings carry the identity. On the wire there is room for a session's name only (10
characters in MoldUDP64 and SoupBinTCP), so the first stream of a venue has the venue's name, and
one that follows it another: five characters of the name, a hyphen, which no name of a venue has,
and four characters, of the identity or, where a trading day follows another, of the date. Both are
written beside the journal's segments and stay what they are as long as the journal.
"""

import os
import re
import uuid
from datetime import date
from pathlib import Path
from typing import NamedTuple

from ironcore.stream.journal_reader import stream_name
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config

IDENTITY = "stream.id"
KNOWN = "streams.known"  # in the data directory: of which streams there are frames about
NAME_CHARACTERS = 5
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without those that are taken for others
SHOWN_CHARACTERS = 40
DIGITS_HEX = 5  # as many bits as four of these digits have


class Stream(NamedTuple):
    """A stream: 32 hexadecimal digits, and the session that it is sent as."""

    identity: str
    session: str


def recorded(journal: Path) -> Stream | None:
    """What stands beside this journal; None without it. session "": written before sessions were,
    it is the venue's name. UserError when the file is damaged: nothing is done about the rings of a
    stream that is not known."""
    path = journal / IDENTITY
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return None
    identity, _, session = text.partition(" ")
    if not re.fullmatch(r"[0-9a-f]{32}", identity):
        raise UserError(
            f"{path}: found {text[:SHOWN_CHARACTERS]!r}, expected 32 hexadecimal digits and the "
            "session of the stream that stands beside it: put the right file back",
            Exit.REFUSED,
        )
    return Stream(identity, session)


def session_of(config: Config) -> str:
    """The session of the venue's stream, as far as this host has its journal; else the first one
    that a venue of this name has."""
    stream = recorded(config.journal.directory)
    return stream.session if stream is not None and stream.session else config.venue.name


def establish(config: Config) -> Stream:
    """The stream of the venue's journal, a new one when there is none; written beside it, and
    remembered with those of before. For who holds the venue's lock."""
    journal, name = config.journal.directory, config.venue.name
    stream = recorded(journal)
    held = stream_name(journal)
    if stream is None or not (held or _is_of(stream.session, name)):
        stream = _begun(config, held)
        write(journal, stream)
    stream = Stream(stream.identity, stream.session or name)
    known = config.venue.data_directory / KNOWN
    if _line(stream) not in _lines(known):
        write_whole(known, "".join(f"{line}\n" for line in [*_lines(known), _line(stream)]))
    return stream


def _begun(config: Config, held: str) -> Stream:
    """A new identity. held: the session of the frames that the journal has all the same."""
    name, known = config.venue.name, _lines(config.venue.data_directory / KNOWN)
    followed = bool(known) or recorded(config.streams.events.path.parent) is not None
    taken = {line.partition(" ")[2] for line in known}
    while True:
        identity = uuid.uuid4().hex
        session = held or (_derived(name, identity) if followed else name)
        if held or session not in taken:
            return Stream(identity, session)


def of_day(config: Config, day: date) -> Stream:
    """The stream of a later trading day: of a new identity, and of a session that says the day: the
    last digit of the year and the day of the year, as in IRONP-6337. After ten years, or for a
    second stream of the day, it is another."""
    name = config.venue.name
    taken = {line.partition(" ")[2] for line in _lines(config.venue.data_directory / KNOWN)}
    identity = uuid.uuid4().hex
    session = f"{name[:NAME_CHARACTERS]}-{day.year % 10}{day.timetuple().tm_yday:03}"
    return Stream(identity, session if session not in taken else _derived(name, identity))


def _derived(name: str, identity: str) -> str:
    rest = int(identity[:DIGITS_HEX], 16)
    digits = ""
    while len(digits) < DIGITS_HEX - 1:
        rest, digit = divmod(rest, len(DIGITS))
        digits = DIGITS[digit] + digits
    return f"{name[:NAME_CHARACTERS]}-{digits}"


def _is_of(session: str, name: str) -> bool:
    """Whether a venue of this name has such sessions."""
    return session in ("", name) or session.startswith(f"{name[:NAME_CHARACTERS]}-")


def _line(stream: Stream) -> str:
    return f"{stream.identity} {stream.session}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []


def write(directory: Path, stream: Stream) -> None:
    """Say that what is in this directory is of the stream."""
    write_whole(directory / IDENTITY, _line(stream))


def write_whole(path: Path, text: str) -> None:
    """Durably, and in one step."""
    temporary = path.with_name(f".{path.name}")
    with open(temporary, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
