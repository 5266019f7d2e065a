"""The one module that opens /proc, /sys and the rest of a host, below a root of its own.

Everything else of host_tuning names files as they are called on the host (`/sys/...`); a captured
tree is read by giving its directory as root.
"""

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from host_tuning.common import fault_points

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

    def read_bytes(self, path: str) -> bytes:
        """Every byte of a file, for the undo log. Errors: OSError as the kernel gave it."""
        data, error = self.read_raw(path)
        if error:
            raise OSError(error, os.strerror(error), path)
        return data

    def write(self, path: str, data: bytes) -> None:
        """Write a file of the host in one call, as sysfs and procfs want it.

        Only the applier and the undo log's restoring call this. No kernel takes one write as one
        value in a capture: its file is replaced. Errors: OSError as the kernel gave it.
        """
        if not self.live:
            os.stat(self.real(path))  # neither /proc nor /sys makes a file by writing it
            self.replace(path, data)
            return
        descriptor = os.open(self.real(path), os.O_WRONLY | os.O_CLOEXEC)
        try:
            written = os.write(descriptor, data)
        finally:
            os.close(descriptor)
        if written != len(data):
            raise OSError(errno.EIO, f"took {written} of {len(data)} bytes", path)

    def replace(self, path: str, data: bytes) -> None:
        """Make a configuration file hold these bytes: the old ones or the new, never a part.

        Mode and owner stay; a new file is readable by all. Errors: OSError.
        """
        found = Path(os.path.realpath(self.real(path)))
        beside = self._beside(found)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            if found.exists():
                status = found.stat()
                os.fchmod(file.fileno(), status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), status.st_uid, status.st_gid)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fault_points.reach("before rename")
        os.rename(beside, found)
        sync_directory(found.parent)

    def clean(self, path: str) -> None:
        """Remove what a replace() that was killed left beside the file."""
        with contextlib.suppress(OSError):
            os.unlink(self._beside(Path(os.path.realpath(self.real(path)))))

    @staticmethod
    def _beside(path: Path) -> Path:
        return path.with_name(f".{path.name}.tune-host")

    def remove(self, path: str) -> None:
        """Remove a configuration file that a run made. Errors: OSError."""
        found = self.real(path)
        os.unlink(found)
        sync_directory(found.parent)

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory of this name."""
        return os.path.isdir(self.real(path))

    def make_directory(self, path: str) -> None:
        """Make a cgroup. The kernel fills it with its files; in a capture they are its parent's
        names, empty. Errors: OSError."""
        found = self.real(path)
        os.mkdir(found)
        if not self.live:
            for name in self.names(path.rpartition("/")[0]):
                if (found.parent / name).is_file():
                    (found / name).touch()

    def remove_directory(self, path: str) -> None:
        """Remove a cgroup, EBUSY while it holds tasks or groups. Errors: OSError."""
        found = self.real(path)
        if not self.live:
            for name in self.names(path):
                if (found / name).is_file():
                    (found / name).unlink()
        os.rmdir(found)

    def settable(self, path: str) -> bool:
        """Whether the kernel gave the file a mode that lets somebody write it."""
        try:
            return bool(os.stat(self.real(path)).st_mode & 0o222)
        except OSError:
            return False

    def refusal(self, path: str) -> str:
        """Why nobody, root included, can write the file, or make a cgroup in the directory; empty
        if somebody can."""
        found = self.real(path)
        try:
            mode = os.stat(found).st_mode
            read_only = os.statvfs(found).f_flag & os.ST_RDONLY
        except OSError as problem:
            return f"{errno.errorcode.get(problem.errno or 0, '?')} ({problem.strerror})"
        if read_only:
            return "on a file system that is mounted read-only"
        # sysfs and cgroupfs let not even root open what nobody may write; for directories root may.
        return "" if mode & 0o222 or stat.S_ISDIR(mode) else "the kernel lets nobody write it"


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
