"""The frames of an event stream as a list, out of its journal and its ring."""

from pathlib import Path

from ironcore.runtime import pipeline
from ironcore.stream.frame_taker import ChosenFrames

Frames = list[tuple[int, bytes]]


def whole_stream(journal: Path, ring: Path) -> Frames:
    """Every frame up to the tail of a ring whose producer is gone."""
    frames: Frames = []
    pipeline.give_stream(journal, ring, [_gathering(frames)])
    return frames


def frames_before(journal: Path, ring: Path, first_held: int, first: int = 1) -> Frames:
    """The frames from `first` on before the first one that a reader of the ring gets by itself."""
    frames: Frames = []
    pipeline.give_before(journal, ring, first_held, [_gathering(frames)], first)
    return frames


def _gathering(frames: Frames) -> ChosenFrames:
    return ChosenFrames(None, lambda sequence, frame: frames.append((sequence, frame)))
