"""What must hold of the order rings' commands in a stream: those of each source by themselves are
in their order, each once, and of its own sessions."""

import struct
from collections.abc import Callable

COMMAND_TYPES = range(1, 128)
SESSION = struct.Struct("<4xI")
SOURCE_SEQUENCE = struct.Struct("<16xQ")
SOURCE = struct.Struct("<32xH")


class SourceCheck:
    """Looks at the frames of one stream from its beginning.

    home: the source that serves a session.
    """

    def __init__(self, sources: int, home: Callable[[int], int]) -> None:
        self._home = home
        self.last = [0] * (sources + 1)  # by source, of the last command; 0 is the venue itself

    def fault(self, frame: bytes) -> str:
        """What is wrong with the next frame, "" for nothing."""
        if frame[0] not in COMMAND_TYPES:
            return ""
        (source,), (session,) = SOURCE.unpack_from(frame), SESSION.unpack_from(frame)
        (sequence,) = SOURCE_SEQUENCE.unpack_from(frame)
        if source >= len(self.last):
            return f"its command is of source {source}, and there are {len(self.last) - 1}"
        if source == 0:
            return ""
        if sequence <= self.last[source]:
            return (
                f"command {sequence} of source {source} follows its command {self.last[source]}: "
                "it is there twice, or out of order"
            )
        if self._home(session) != source:
            return (
                f"source {source} has a command of session {session}, which is at "
                f"{self._home(session)}"
            )
        self.last[source] = sequence
        return ""
