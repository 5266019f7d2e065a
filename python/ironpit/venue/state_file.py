"""Small JSON files in which the venue tells its next start something.

They are written whole (`stream_identity.write_whole`), so one that cannot be read was damaged, and
what it says is not guessed.
"""

from pathlib import Path
from typing import TypeVar

import msgspec

from ironpit.common.errors import Exit, UserError

T = TypeVar("T")


def read(path: Path, kind: type[T], expected: str) -> T | None:
    """What the file says; None without one. UserError when it is not of this kind."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        found = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: found {found}, expected {expected}", Exit.REFUSED) from error
