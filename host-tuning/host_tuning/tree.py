"""The one module that opens /proc, /sys and the rest of a host, below a root of its own.

Everything else of host_tuning names files as they are called on the host (`/sys/...`); a captured
tree is read by giving its directory as root.
"""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

FILE_BYTES_MAX = 4 << 20  # /proc/interrupts of 1,152 CPUs is about 2 MiB


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one file gave: its text, or the errno of the failure.

    path: the file's name on the host. text: everything in it, undecodable bytes replaced.
    error: 0, or the errno (ENOENT where nothing is there).
    """

    path: str
    text: str
    error: int

    @property
    def ok(self) -> bool:
        """Whether the file was read."""
        return self.error == 0

    @property
    def missing(self) -> bool:
        """Whether there is no such file: this kernel, machine or capture does not have it."""
        return self.error in (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO)

    @property
    def value(self) -> str:
        """The text without the blanks and NULs that kernels pad it with."""
        return self.text.strip(" \t\r\n\0")

    @property
    def why_not(self) -> str:
        """Why there is no text: `/sys/x: EACCES (Permission denied)`."""
        name = errno.errorcode.get(self.error, str(self.error))
        return f"{self.path}: {name} ({os.strerror(self.error)})"


class HostTree:
    """The files of one host, below `root`.

    Symbolic links are followed inside the root only: a capture's absolute link never leads to the
    files of the machine that judges it.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root.resolve()
        self.live = self.root == Path("/")

    def real(self, path: str) -> Path:
        """Where the file called `path` on the host is on this machine."""
        if self.live:
            return Path(path)
        found = self.root / path.lstrip("/")
        resolved = Path(os.path.realpath(found))
        if resolved == self.root or self.root in resolved.parents:
            return found
        return self.root / str(resolved).lstrip("/")

    def read(self, path: str) -> Reading:
        """The text of a file, or the errno. Never raises for what a host lacks or refuses."""
        data, error = self.read_raw(path)
        return Reading(path, data.decode("utf-8", "replace"), error)

    def read_raw(self, path: str) -> tuple[bytes, int]:
        """What stands in a file that is no text, and 0; or nothing and the errno."""
        try:
            descriptor = os.open(self.real(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as problem:
            return b"", problem.errno or errno.EIO
        try:
            chunks = []
            total = 0
            while total < FILE_BYTES_MAX and (chunk := os.read(descriptor, 1 << 16)):
                chunks.append(chunk)
                total += len(chunk)
        except OSError as problem:
            return b"", problem.errno or errno.EIO
        finally:
            os.close(descriptor)
        return b"".join(chunks), 0

    def read_at(self, path: str, offset: int, count: int) -> tuple[bytes, int]:
        """Up to `count` bytes of a device at an offset, and 0 or the errno of the failure."""
        try:
            descriptor = os.open(self.real(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as problem:
            return b"", problem.errno or errno.EIO
        try:
            return os.pread(descriptor, count, offset), 0
        except OSError as problem:
            return b"", problem.errno or errno.EIO
        finally:
            os.close(descriptor)

    def names(self, path: str) -> list[str]:
        """The sorted names in a directory; none where there is no such directory."""
        try:
            return sorted(os.listdir(self.real(path)))
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        """Whether there is a file, directory or device of this name."""
        return os.path.lexists(self.real(path))

    def link(self, path: str) -> str:
        """The last part of what a symbolic link points at; empty where there is no link."""
        try:
            return os.readlink(self.real(path)).rstrip("/").rpartition("/")[2]
        except OSError:
            return ""

    def write(self, path: str, data: bytes) -> None:
        """Write a file of the host in one call, as sysfs and procfs want it.

        Only the applier and the undo log call this. Errors: OSError as the kernel gave it.
        """
        descriptor = os.open(self.real(path), os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
