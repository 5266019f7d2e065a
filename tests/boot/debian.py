"""What is fetched from Debian once and kept: a small tree to boot, its kernel, wheels for it.

The cache is ~/.cache/ironpit/boot, or where IRONPIT_BOOT_CACHE says. What is in it was made in one
step by a rename, and its name holds what it was made of: delete what you like.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("IRONPIT_BOOT_CACHE") or Path.home() / ".cache/ironpit/boot")
# The release whose python3 is the one that runs the tests: what was compiled here runs there.
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
MIRROR = "http://deb.debian.org/debian"
PACKAGES = (
    "systemd-sysv",
    "dbus",
    "udev",
    "iproute2",
    "procps",
    "python3",
    "python3-venv",
    "python3-yaml",
)


def suite() -> str:
    """The Debian release for this Python. LookupError where there is none."""
    if sys.version_info[:2] not in SUITES:
        python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
        raise LookupError(f"no Debian release has {python}: {SUITES}")
    return SUITES[sys.version_info[:2]]


@contextmanager
def _made_once(name: str) -> Iterator[tuple[Path, Path | None]]:
    """The path in the cache, and where to make it if it is not there; renamed when the block ends
    well."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path, unfinished = CACHE / name, CACHE / f".{name}.unfinished"
    with open(CACHE / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            yield path, None
            return
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir()
        yield path, unfinished
        unfinished.rename(path)


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    with _made_once(name) as (path, unfinished):
        if unfinished is not None:
            make(unfinished)
    return path


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OSError(f"{command[0]}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def tree() -> Path:
    """The root of a small Debian that boots."""

    def make(directory: Path) -> None:
        _run(
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            # Removing what differs from run to run makes each boot a first one, as on a new server.
            "--customize-hook=rm -f $1/etc/machine-id $1/var/lib/dbus/machine-id",
            suite(),
            directory / "root",
            MIRROR,
        )

    key = sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    return _cached(f"tree-{suite()}-{key}", make) / "root"


def kernel() -> Path:
    """The unpacked package of Debian's kernel, of this machine's own release."""

    def make(directory: Path) -> None:
        depends = _run("apt-cache", "depends", "linux-image-amd64")
        found = re.search(r"Depends: (linux-image-\d\S*)", depends)
        if found is None:
            raise OSError(f"apt-cache: linux-image-amd64 names no kernel: {depends.strip()!r}")
        # As root, apt drops to a user who may not write here; that is a warning and no more.
        _run("apt-get", "download", "-q", found[1], cwd=directory)
        (package,) = directory.glob("*.deb")
        _run("dpkg", "-x", package, directory / "root")
        package.unlink()

    return _cached("kernel", make) / "root"


def dependencies() -> Path:
    """Wheels of what ironpit needs, for an installation without a network."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = sorted(project["dependencies"])

    def make(directory: Path) -> None:
        _run(sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "-d", directory,
             *wanted)  # fmt: skip

    key = sha256(" ".join(wanted).encode()).hexdigest()[:8]
    return _cached(f"wheels-{suite()}-{key}", make)
