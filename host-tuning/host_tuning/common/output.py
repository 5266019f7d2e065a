"""What is printed: in any encoding, and to where it may not arrive."""

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Generator
from typing import TextIO

from host_tuning.common.errors import ToolError

# What the texts use beyond ASCII; anything else is shown by its number, as JSON writes it.
PLAIN = {"→": "->", "µ": "u", "…": "...", "±": "+-", "≥": ">=", "≤": "<="}
HANDLER = "tune-host"


def _plainly(problem: UnicodeError) -> tuple[str, int]:
    """The replacement for what an encoding lacks, as codecs.register_error() wants it."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    lacking = problem.object[problem.start : problem.end]
    return "".join(PLAIN.get(one, f"\\u{ord(one):04x}") for one in lacking), problem.end


def take_any_encoding() -> None:
    """Let standard output and error show what their encoding lacks in other words."""
    codecs.register_error(HANDLER, _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


class _Watched(io.TextIOBase):
    """Standard output, whose failures are told from those of any other file."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Errors: ToolError; BrokenPipeError where the reader went away."""
        with _failures(self.stream):
            return self.stream.write(text)

    def flush(self) -> None:
        """Errors: as write()."""
        with _failures(self.stream):
            self.stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Its descriptor."""
        return self.stream.fileno()


@contextlib.contextmanager
def _failures(stream: TextIO) -> Generator[None]:
    """Errors: ToolError for a stream that takes nothing more."""
    try:
        yield
    except OSError as problem:
        # The interpreter writes what is left in the buffer at its end, and would complain again.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        if isinstance(problem, BrokenPipeError):
            raise
        raise ToolError(f"standard output: {problem.strerror}") from None


@contextlib.contextmanager
def watched() -> Generator[None]:
    """While this lasts, a standard output that takes nothing is a ToolError, at the end at last."""
    with contextlib.redirect_stdout(_Watched(sys.stdout)):
        yield
        sys.stdout.flush()
