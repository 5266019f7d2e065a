import os
from collections.abc import Callable, Iterable, Sequence

from ironcore.base.files import FileDirectory

class FrameTaker:
    """Takes the frames of a stream one after the other, in compiled code."""

    def __call__(self, sequence: int, payload: bytes | memoryview) -> None:
        """Take one frame. ValueError when it cannot be taken."""

class ChosenFrames(FrameTaker):
    """Calls `call` with the sequence and the frame, for each frame whose first record is of one of
    these types. types: None for every frame."""

    def __init__(
        self, types: Iterable[int] | None, call: Callable[[int, bytes], object]
    ) -> None: ...

class SourceSequences(FrameTaker):
    """Of each order ring, the last frame whose command is in the stream."""

    def __init__(self) -> None: ...
    def by_source(self) -> dict[int, int]:
        """By the ring's number; a ring without any is not in it."""

def give_journal(
    directory: str | os.PathLike[str] | FileDirectory,
    takers: Sequence[FrameTaker],
    first: int = 1,
    before: int = ...,
    *,
    progress: Callable[[int], object] = ...,
) -> int:
    """Give the frames of a journal, synced or not, from `first` on and before `before`, to all
    takers: the sequence behind the last one. `progress` is called again and again meanwhile, with
    the sequence of the last frame."""
