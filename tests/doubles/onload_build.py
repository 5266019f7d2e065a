"""Builds the Onload double with the host's C compiler into build/onload-double."""

import fcntl
import os
import shlex
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent / "onload"
DIRECTORY = ROOT / "build" / "onload-double"
FLAGS = ["-O2", "-g", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
LIBRARY_FLAGS = ["-fvisibility=hidden", "-ldl", "-lpthread"]


def build() -> Path:
    """The directory with libonload.so, libonload_ext.so.1, the launcher and its profiles.

    Built anew when a source is newer. CalledProcessError when the compiler complains."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with open(DIRECTORY / "lock", "w") as lock:  # tests may run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = sorted(SOURCES.glob("*.c"))
        newest = max(path.stat().st_mtime for path in SOURCES.rglob("*"))
        library = DIRECTORY / "libonload.so"
        stub = DIRECTORY / "libonload_ext.so.1"
        if not library.exists() or library.stat().st_mtime < newest:
            ours = [str(path) for path in sources if path.name != "stub.c"]
            soname = "-Wl,-soname,libonload_ext.so.1"
            _compile(stub, [str(SOURCES / "stub.c"), soname])
            entry = ["-Wl,-e,onload_double_main"] if os.uname().machine == "x86_64" else []
            _compile(library, [*ours, *LIBRARY_FLAGS, *entry])
        shutil.copy2(SOURCES / "onload", DIRECTORY / "onload")
        shutil.copytree(SOURCES / "profiles", DIRECTORY / "profiles", dirs_exist_ok=True)
        unversioned = DIRECTORY / "libonload_ext.so"
        if not unversioned.is_symlink():
            unversioned.symlink_to(stub.name)
    return DIRECTORY


def _compile(target: Path, arguments: list[str]) -> None:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    new = target.with_suffix(".new")
    subprocess.run([*compiler, *FLAGS, *arguments, "-o", str(new)], check=True)
    new.replace(target)  # a process may have the old one loaded


def preloaded(**settings: str | int) -> dict[str, str]:
    """The environment of a process under the double: loopback accelerated, spinning, unless
    settings say otherwise."""
    directory = build()
    environment = {
        "LD_PRELOAD": str(directory / "libonload.so"),
        "EF_TCP_CLIENT_LOOPBACK": "1",
        "EF_TCP_SERVER_LOOPBACK": "1",
        "EF_POLL_USEC": "100000",
    }
    return environment | {name: str(value) for name, value in settings.items()}
