"""Onload as this process has it: functions of the global scope, and whether they are the real ones.

A handle on libonload_ext.so answers with its own stubs even when Onload is preloaded, because a
handle is searched on its own; and a libonload.so that is loaded late answers that it is present
and intercepts nothing. So functions are looked up in the global scope, where a preloaded library
comes first, and Onload counts as interposed only when `socket` itself comes from the library that
answers.
"""

import ctypes
import errno
import os
from functools import cache
from typing import Any, ClassVar, NamedTuple

from ironpit.onload import layouts
from ironpit.onload.errors import OnloadAbsentError, error_of
from ironpit.onload.prototypes import MAJOR, PROTOTYPES, SINCE_MINOR

AT_SECURE = 23  # getauxval(3): the loader has dropped LD_PRELOAD
SONAME = "libonload.so"
MAPS = "/proc/self/maps"


class _DlInfo(ctypes.Structure):
    """Dl_info of dladdr(3)."""

    _fields_: ClassVar[layouts.Fields] = [
        ("fname", ctypes.c_char_p),
        ("fbase", ctypes.c_void_p),
        ("sname", ctypes.c_char_p),
        ("saddr", ctypes.c_void_p),
    ]


class Version(NamedTuple):
    """A version of the extension API."""

    major: int
    minor: int
    micro: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.micro}"


class Library(NamedTuple):
    """Onload in this process. `state`:

    `interposed`  preloaded: the C library's socket calls are Onload's
    `late`        loaded, and too late: it intercepts nothing
    `dropped`     AT_SECURE is set, so that the loader ignores LD_PRELOAD
    `stub`        only the extension library is there, whose functions do nothing
    `absent`      no Onload at all
    """

    state: str
    path: str = ""
    version: Version | None = None
    release: str = ""

    @property
    def minor_missing(self) -> bool:
        """Older than what this wrapper knows: some functions are not there."""
        found = self.version
        return found is not None and (found.major != MAJOR or found.minor < SINCE_MINOR)


@cache
def global_scope() -> ctypes.CDLL:
    """The global scope of the process, errno kept for each call."""
    return ctypes.CDLL(None, use_errno=True)


@cache
def function(name: str) -> Any:
    """A function of the extension API with its prototype, or None where nothing defines it."""
    found = getattr(global_scope(), name, None)
    if found is not None:
        found.argtypes = PROTOTYPES[name].arguments
        found.restype = ctypes.c_int
    return found


def call(name: str, *arguments: Any) -> int:
    """Call a function: its result when that is no error. OnloadError otherwise.

    OnloadAbsentError when there is no Onload: some of the stubs answer 0, as if they had done
    something.
    """
    called = function(name)
    if called is None or not is_present():
        raise OnloadAbsentError(errno.ENOSYS, name)
    ctypes.set_errno(0)
    result = int(called(*arguments))
    if result < 0:
        number = ctypes.get_errno() if PROTOTYPES[name].by_errno else -result
        raise error_of(number, name)
    return result


def is_present() -> bool:
    """What Onload says of itself. True proves nothing about any socket."""
    present = function("onload_is_present")
    return present is not None and present() == 1


def defined_in(symbol: str) -> str:
    """The file of the library that a symbol of the global scope comes from, or ""."""
    found = getattr(global_scope(), symbol, None)
    if found is None:
        return ""
    info = _DlInfo()
    dladdr = global_scope().dladdr
    dladdr.argtypes = (ctypes.c_void_p, ctypes.POINTER(_DlInfo))
    if not dladdr(ctypes.cast(found, ctypes.c_void_p), ctypes.byref(info)):
        return ""
    return os.fsdecode(info.fname or b"")


def preload_dropped() -> bool:
    """Whether the loader has ignored LD_PRELOAD, as for an interpreter with capabilities of its own
    that another user than root runs."""
    getauxval = global_scope().getauxval
    getauxval.argtypes, getauxval.restype = (ctypes.c_ulong,), ctypes.c_ulong
    return bool(getauxval(AT_SECURE))


def mapped() -> str:
    """The path of a libonload.so that this process has mapped, however it came, or ""."""
    with open(MAPS, encoding="utf-8", errors="replace") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")[2]
            if os.path.basename(path).startswith(SONAME):
                return "/" + path
    return ""


def find() -> Library:
    """Onload as this process has it now."""
    if not is_present():
        late = mapped()
        if late:
            return Library("late", late)
        if preload_dropped():
            return Library("dropped")
        return Library("absent" if function("onload_is_present") is None else "stub")
    path = defined_in("onload_is_present")
    state = "interposed" if defined_in("socket") == path else "late"
    return Library(state, path, _version(), _release())


def _version() -> Version | None:
    """Of the extension API that the library offers."""
    try:
        numbers = (ctypes.c_uint * 3).in_dll(global_scope(), "onload_lib_ext_version")
    except ValueError:
        return None
    return Version(*numbers)


def _release() -> str:
    try:
        text = ctypes.c_char.in_dll(global_scope(), "onload_version")
    except ValueError:
        return ""
    return ctypes.string_at(ctypes.addressof(text)).decode("ascii", "replace")
