"""Starts this program anew under the `onload` launcher, and refuses what cannot work under it.

A process is accelerated from its first instruction or not at all, so that the program is replaced:
the process id stays, and with it what a service manager knows.
"""

import os
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from ironpit.common.errors import Exit, UserError
from ironpit.onload import library
from ironpit.onload.library import Library
from ironpit.onload.options import PREFIX, as_launcher_profile, violations

LAUNCHER = "onload"
# In the environment of what was launched: the profile, and the process id, which exec keeps. A mark
# that came from elsewhere, such as a shell's own variable, is none.
LAUNCHED = "IRONPIT_ONLOAD"
CAPABILITIES = "security.capability"
LAUNCHER_TIMEOUT_S = 30
PT_INTERP = 3


def blockers(library_found: Library, executable: str = sys.executable) -> Iterator[str]:
    """Why this interpreter cannot be accelerated, whatever Onload does."""
    if library_found.state == "late":
        yield f"{library_found.path} was loaded after the start: Onload has to be preloaded"
    if os.geteuid() != 0:
        yield from privileges_of(executable)
    if library.preload_dropped():
        yield "AT_SECURE is set: the loader ignores LD_PRELOAD in this process"
    if is_static(executable):
        yield f"{executable} is statically linked: nothing can be preloaded"
    if "uvloop" in sys.modules:
        yield (
            "uvloop is loaded: it registers sockets by io_uring, where a user-level epoll does not "
            "see them"
        )


def privileges_of(executable: str) -> Iterator[str]:
    """Rights of the file itself, for which the loader drops LD_PRELOAD."""
    path = os.path.realpath(executable)
    try:
        os.getxattr(path, CAPABILITIES)
    except OSError:
        pass
    else:
        yield (
            f"{path} has file capabilities, so that the loader drops LD_PRELOAD: remove them "
            f"(setcap -r {path}) and give the process ambient capabilities instead (systemd: "
            "AmbientCapabilities=)"
        )
    if os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
        yield f"{path} is set-user-id or set-group-id, so that the loader drops LD_PRELOAD"


def is_static(executable: str) -> bool:
    """Whether a program names no loader (PT_INTERP, elf(5)); False for what is no 64-bit ELF."""
    try:
        with open(executable, "rb") as file:
            header = file.read(64)
            if len(header) < 64 or header[:5] != b"\x7fELF\x02":
                return False
            (table,) = struct.unpack_from("<Q", header, 32)
            entry_bytes, entries = struct.unpack_from("<HH", header, 54)
            file.seek(table)
            programs = file.read(entry_bytes * entries)
    except OSError:
        return False
    kinds = (struct.unpack_from("<I", programs, i * entry_bytes)[0] for i in range(entries))
    return PT_INTERP not in kinds


def environment_options(environment: Mapping[str, str]) -> dict[str, str]:
    """The options of Onload that the environment sets."""
    return {name: value for name, value in environment.items() if name.startswith(PREFIX)}


def doubtful_options(environment: Mapping[str, str]) -> Iterator[str]:
    """What is unknown or out of range among them. Onload knows more options than are listed here:
    these are doubts."""
    for name, found, expected in violations(environment_options(environment)):
        yield f"environment: {name}: found {found}, expected {expected}"


def relaunch(profile: str, options: Mapping[str, str], directory: Path) -> NoReturn:
    """Write the profile for the launcher into a directory and run this program under it again.
    UserError: it cannot work, or the launcher refuses."""
    for blocker in blockers(library.find()):
        raise UserError(f"onload: {blocker}", Exit.REFUSED)
    launcher = shutil.which(LAUNCHER)
    if launcher is None:
        raise UserError(
            f"onload: found no launcher `{LAUNCHER}` on PATH, expected Onload to be installed",
            Exit.REFUSED,
        )
    file = directory / f"onload-{profile}.opf"
    if "," in str(file):
        raise UserError(
            f"onload: {file}: the launcher splits the names of profiles at commas, expected a data "
            "directory without one",
            Exit.REFUSED,
        )
    why = f"profile {profile}, written by ironpit run"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(as_launcher_profile(options, why), encoding="ascii")
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", Exit.REFUSED) from error
    command = [launcher, f"--profile={file}"]
    _try_launcher(command)
    environment = {**os.environ, LAUNCHED: f"{profile}@{os.getpid()}"}
    sys.stderr.flush()
    program = [sys.executable, *sys.orig_argv[1:]]
    os.execve(launcher, [*command, *program], environment)


def _try_launcher(command: list[str]) -> None:
    """What it says to a program that does nothing: its exit codes are its own."""
    try:
        tried = subprocess.run(
            [*command, "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LAUNCHER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"onload: {command[0]}: {error}", Exit.REFUSED) from error
    if tried.returncode:
        said = " ".join((tried.stderr or tried.stdout).split())
        raise UserError(
            f"onload: {command[0]} refuses: {said or f'exit code {tried.returncode}'}", Exit.REFUSED
        )


def launched_as(environment: Mapping[str, str] | None = None) -> str | None:
    """The profile that this process was launched with, or None."""
    mark = (os.environ if environment is None else environment).get(LAUNCHED, "")
    profile, _, launched = mark.rpartition("@")
    # A process of a venue that has several was started by the one that was launched.
    ours = (str(os.getpid()), str(os.getppid()))
    return profile if profile and launched in ours else None
