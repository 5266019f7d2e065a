"""What a bridge leaves for `ironpit stat`: a file of counters, and beside it what they are of.

The counters are mapped memory, so that they are there after a kill. Without a place given they are
in shared memory, in a directory of this user's bridges, under a name that follows from the
addresses: a bridge that is started again takes the place of the one before.
"""

import json
import os
import stat
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

from ironcore.base.counter_declaration import Gauge
from ironcore.base.counters import (
    CountersError,
    CountersFile,
    CountersReader,
    CountersVersionError,
)
from ironpit.bridge.addresses import Address
from ironpit.common.atomic_file import replace_json
from ironpit.common.errors import Exit, UserError
from ironpit.transport.kinds import transport_of

# Of a bridge and its two ends with TLS, more than they have; those of TCP readers come on top.
COUNTERS_MAX = 128
POSITIONS = (
    Gauge("from", "number of the frame that is read next", unit="frames"),
    Gauge("to", "number of the frame that is carried next", unit="frames"),
    Gauge(
        "noted_real_ns",
        "when these were noted, in ns since 1970: a bridge that is killed ends then",
        unit="ns",
    ),
)


def bridges_directory() -> Path:
    """Where this user's bridges leave their counters unless they are told another place."""
    shared_memory = Path("/dev/shm")
    base = shared_memory if shared_memory.is_dir() else Path(tempfile.gettempdir())
    return base / f"ironpit-{os.getuid()}-bridges"


def facts_of(counters: Path) -> Path:
    """The file beside the counters that says which bridge they are of."""
    return counters.with_name(f"{counters.name}.json")


def default_counters(source: Address, target: Address) -> Path:
    """The counters file of a bridge between these addresses; a venue's reader has it with the
    venue's. UserError: not ours to write."""
    if source.counters is not None:
        return source.counters
    directory = bridges_directory()
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UserError(
            f"{directory}: expected a directory of user {os.getuid()} (another place: --counters)",
            Exit.REFUSED,
        )
    name = zlib.crc32(f"{source.text} {target.text}".encode())
    return directory / f"counters-bridge-{name:08x}.dat"


def needed(target: Address) -> int:
    """How many counters a bridge to there can have."""
    return COUNTERS_MAX + transport_of(target.where.transport).counters_max(target.where)


def create(path: Path, source: Address, target: Address) -> CountersFile:
    """The counters at this path, in place of those of a bridge that is gone. UserError when they
    are of a process that runs, when another file is there, or when the host refuses them."""
    _check_free(path)
    try:
        file = CountersFile.create(path, needed(target), process="bridge")
        replace_json(facts_of(path), _facts(source, target))
    except OSError as error:
        raise UserError(f"--counters {path}: {error.strerror}", Exit.REFUSED) from error
    return file


def _check_free(path: Path) -> None:
    there: CountersReader | CountersVersionError
    try:
        there = CountersReader(path)
    except FileNotFoundError:
        return
    except CountersVersionError as other:
        there = other  # of another release, whose dead are as dead as ours
    except CountersError as error:
        raise UserError(
            f"--counters {error}; a bridge's counters go where no file or a bridge's file is",
            Exit.REFUSED,
        ) from error
    except OSError as error:
        raise UserError(f"--counters {path}: {error.strerror}", Exit.REFUSED) from error
    if there.alive and there.process_id != os.getpid():
        raise UserError(
            f"--counters {path}: held by process {there.process_id}, expected a place of its own",
            Exit.REFUSED,
        )


def forget(path: Path) -> None:
    """Take away what a bridge that ended well left where nobody asked for it."""
    for file in (path, facts_of(path)):
        file.unlink(missing_ok=True)


def prune(counters: list[Path]) -> list[Path]:
    """Forget the bridges that are dead, out of these files: those of them that are gone now. What
    is no bridge's is left alone."""
    gone = []
    for path in counters:
        if bridge_facts(path) is None:
            continue
        try:
            dead = not CountersReader(path).alive
        except CountersVersionError as other:
            dead = not other.alive
        except (CountersError, OSError):
            continue
        if dead:
            forget(path)
            gone.append(path)
    return gone


def _facts(source: Address, target: Address) -> dict[str, object]:
    return {
        "schema": 1,
        "process_id": os.getpid(),
        "from": source.text,
        "to": target.text,
        "rings": {
            end: str(address.where.path.resolve())
            for end, address in (("from", source), ("to", target))
            if transport_of(address.where.transport).rings
        },
    }


def bridge_facts(counters: Path) -> dict[str, Any] | None:
    """What stands beside the counters of a bridge; None beside those of any other process."""
    try:
        facts = json.loads(facts_of(counters).read_text())
    except (OSError, ValueError):
        return None
    expected = {"from": str, "to": str, "rings": dict}
    if isinstance(facts, dict) and all(
        isinstance(facts.get(key), kind) for key, kind in expected.items()
    ):
        return facts
    return None


class Positions:
    """The numbers at which a bridge's ends stand, as counters; written from one thread."""

    def __init__(self, file: CountersFile) -> None:
        self._file = file
        self._places = [file.allocate("position", declared) for declared in POSITIONS]

    def note(self, *numbers: int) -> None:
        """The next number of each end."""
        for place, number in zip(self._places, (*numbers, time.time_ns()), strict=True):
            self._file.set(place, number)
