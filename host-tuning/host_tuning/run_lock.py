"""The one lock of a state directory: no two runs write at a time."""

import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from pathlib import Path

from host_tuning.errors import ToolError
from host_tuning.tree import sync_directory

LOCK_WAIT_S = 10


@contextlib.contextmanager
def lock(directory: Path) -> Generator[None]:
    """Hold the one lock of a state directory; waits LOCK_WAIT_S for another holder.

    Errors: ToolError that names the holder, or says why the directory cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(directory.parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(directory / "lock", flags, 0o600)
    except OSError as problem:
        raise ToolError(f"{directory}: {problem.strerror}, expected to write there") from None
    try:
        _acquire(descriptor, directory)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, directory: Path) -> None:
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
                raise ToolError(
                    f"{directory}/lock: held by another tune-host (process {holder or 'unknown'}) "
                    f"for {LOCK_WAIT_S} s; nothing was written"
                ) from None
            time.sleep(0.05)
        else:
            return
