"""The matching core for native programs, as a capsule: docs/EMBEDDING.md."""

from typing import Final

# A PyCapsule of struct ironpit_api (ironpit_core.h); its type has no name before Python 3.13.
api: Final[object]
