"""What a batch of commands caused."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.void]


class Status(IntEnum):
    """What became of a command (rule 1.2). A rejection is OK: it is an event."""

    OK = 0
    MALFORMED = 4  # no command of this layout, or out of place; no effect
    IGNORED = 12  # valid, without effect


@dataclass(frozen=True, slots=True)
class Applied:
    """What n commands caused, as arrays.

    events       EVENT_DTYPE[m]: of all commands, one after the other
    offsets      uint64[n + 1]: command i caused events[offsets[i]:offsets[i + 1]]
    statuses     uint8[n]: Status
    instruments  uint32[n]: id of the instrument that the command concerned, also where the command
                 names an order only (rule 8.6); 0xFFFFFFFF where there is none
    """

    events: Rows
    offsets: npt.NDArray[np.uint64]
    statuses: npt.NDArray[np.uint8]
    instruments: npt.NDArray[np.uint32]
    # What the four are views of: as large as the largest batch that these arrays were used for.
    _room: (
        tuple[Rows, npt.NDArray[np.uint64], npt.NDArray[np.uint8], npt.NDArray[np.uint32]] | None
    ) = None

    def __len__(self) -> int:
        """How many commands there were."""
        return len(self.statuses)

    def of(self, command: int) -> Rows:
        """The events of one command: EVENT_DTYPE[k]."""
        if not 0 <= command < len(self):
            raise IndexError(f"command {command}: expected one of {len(self)} from 0")
        return self.events[int(self.offsets[command]) : int(self.offsets[command + 1])]

    def commands(self) -> npt.NDArray[np.int64]:
        """The index of the command that caused each event: int64[m]."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets).astype(np.int64))
