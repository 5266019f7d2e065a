"""Asks the kernel whether its clock is synchronised: adjtimex(2), which no file shows."""

import ctypes
import errno
import os

STA_UNSYNC = 0x0040
TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>: the fields up to `status`, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maximum_error_us", ctypes.c_long),
        ("estimated_error_us", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def ask() -> tuple[bool, int]:
    """Whether the clock is synchronised, and the kernel's bound of its error in microseconds.

    Errors: OSError, EPERM where a sandbox forbids the call.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "adjtimex"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    asked = _Timex()
    state = library.adjtimex(ctypes.byref(asked))
    if state < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return state != TIME_ERROR and not asked.status & STA_UNSYNC, asked.maximum_error_us
