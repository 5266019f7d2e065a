"""The one lock of a host: no two runs write at a time, wherever each keeps its undo logs."""

import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from pathlib import Path

from host_tuning.common.errors import ToolError
from host_tuning.facts.tree import HostTree, sync_directory

# In /run itself, which only root writes: in /run/lock, which all may write, anybody could be first.
LOCK = "/run/tune-host.lock"
LOCK_WAIT_S = 10


@contextlib.contextmanager
def lock(tree: HostTree, directory: Path) -> Generator[None]:
    """Hold the one lock of a host and make the state directory; waits LOCK_WAIT_S for another.

    The running host's is a file in /run, a captured tree's is its own directory, into which nothing
    is put for it. Errors: ToolError that names the holder, or what cannot be opened or written.
    """
    path = Path(LOCK) if tree.live else tree.root
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(directory.parent)
    except OSError as problem:
        raise ToolError(
            f"{directory}: {problem.strerror}, expected a directory that can be written"
        ) from None
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW if tree.live else os.O_RDONLY | os.O_DIRECTORY
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise ToolError(f"{path}: {problem.strerror}, expected a file that can be locked") from None
    try:
        _acquire(descriptor, path)
        if tree.live:
            with contextlib.suppress(OSError):  # a full /run keeps nobody from taking back
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path) -> None:
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise ToolError(
                    f"{path}: locked by another tune-host{_holder(descriptor)} for more than "
                    f"{LOCK_WAIT_S} s; nothing was written"
                ) from None
            time.sleep(0.05)
        else:
            return


def _holder(descriptor: int) -> str:
    """Which process wrote its number into the lock; a directory holds none."""
    try:
        number = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    except IsADirectoryError:
        return ""
    return f" (process {number})" if number else ""
