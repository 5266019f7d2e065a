"""Runs a child process one machine instruction at a time: counts them, or shows each state of a
file that it maps.

What a process that is killed leaves in shared memory is what its instructions up to that one
stored, in program order. Stopping behind every instruction therefore visits every state that
SIGKILL can leave behind, and no others.
"""

import ctypes
import errno
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PTRACE_CONT = 7
PTRACE_SINGLESTEP = 9
PTRACE_ATTACH = 16
INSTRUCTIONS_MAX = 3_000_000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

# The child's program stops itself before and behind the steps that are to be watched.
MARK = "import os, signal; mark = lambda: os.kill(os.getpid(), signal.SIGSTOP)\n"


class NoPtraceError(OSError):
    """This host does not let a process trace its child."""


def _ptrace(request: int, process_id: int, data: int = 0) -> None:
    if _libc.ptrace(request, process_id, None, data) != 0:
        number = ctypes.get_errno()
        if number in (errno.EPERM, errno.ENOSYS):
            raise NoPtraceError(number, os.strerror(number))
        raise OSError(number, os.strerror(number))


def _wait(process_id: int) -> int:
    _, status = os.waitpid(process_id, 0)
    assert os.WIFSTOPPED(status), f"the child ended with status {status}"
    return os.WSTOPSIG(status)


def steps(program: str, path: Path) -> Iterator[None]:
    """Stops before each instruction between the program's two calls of mark()."""
    command = [sys.executable, "-S", "-c", MARK + program, str(path)]
    with subprocess.Popen(command) as child:
        try:
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), f"the child ended with status {status}"
            _ptrace(PTRACE_ATTACH, child.pid)
            _wait(child.pid)
            child.send_signal(signal.SIGCONT)
            for _ in range(INSTRUCTIONS_MAX):
                yield
                _ptrace(PTRACE_SINGLESTEP, child.pid)
                if _wait(child.pid) == signal.SIGSTOP:
                    return
            raise AssertionError(f"no mark after {INSTRUCTIONS_MAX} instructions")
        finally:
            child.kill()


def states(program: str, path: Path) -> Iterator[bytes]:
    """Every content of the file at `path` between the program's two calls of mark(), in order."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
        last = b""
        for _ in steps(program, path):
            if mapping[:] != last:
                last = mapping[:]
                yield last


def instructions(program: str, path: Path) -> int:
    """How many instructions there are between the program's two calls of mark()."""
    return sum(1 for _ in steps(program, path))
