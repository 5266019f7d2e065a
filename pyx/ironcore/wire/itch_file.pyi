"""ITCH files: each message behind its length of two bytes."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from typing_extensions import Buffer

class ItchFileReader(Iterator[bytes]):
    """The messages of a file in a buffer: bytes, or better an mmap, as nothing but the message at
    hand is copied. ValueError says at which offset the data is truncated or malformed."""

    def __init__(self, data: Buffer, *, skip_unknown: bool = False) -> None:
        """skip_unknown: step over types that ITCH 5.0 does not have, instead of raising."""

    @property
    def offset(self) -> int:
        """Where the next message's length stands: after an error, that of the faulty frame."""

    @property
    def messages(self) -> int:
        """How many have been read."""

    def __next__(self) -> bytes: ...

def frame(message: Buffer) -> bytes:
    """The message as it stands in a file. ValueError: it is not one whole ITCH 5.0 message."""

def write_messages(file: BinaryIO, messages: Iterable[Buffer]) -> int:
    """Write the messages to a file; how many there were."""
