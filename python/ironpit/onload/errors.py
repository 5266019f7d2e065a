"""What Onload answers when it cannot do what it was asked: one class for each reason.

Most of its functions return the negative error number, a few set errno; both become these.
"""

import errno
import os


class OnloadError(OSError):
    """A function of Onload failed. `errno` is the reason, `function` which one it was."""

    def __init__(self, number: int, function: str) -> None:
        super().__init__(number, f"{function}: {os.strerror(number)}")
        self.function = function


class OnloadAbsentError(OnloadError):
    """Onload is not loaded, or its library has no such function."""


class NotAcceleratedError(OnloadError):
    """The socket is the kernel's, or has been handed over to it."""


class InvalidError(OnloadError):
    """An argument is out of range, or unknown to Onload, or not meant for this kind of socket."""


class NameTooLongError(OnloadError):
    """The name of a stack is too long."""


class NoMemoryError(OnloadError):
    """No memory, or no packet buffers."""


class NotSupportedError(OnloadError):
    """This card, driver or kind of socket does not offer it."""


class KernelDataWaitingError(OnloadError):
    """Data that came by the kernel's path waits to be read by `recvmsg_kernel` first."""


class TooSmallError(OnloadError):
    """A buffer is too small; `needed_bytes` would have been enough."""

    needed_bytes = 0


class NothingYetError(OnloadError):
    """There is nothing to read or no room to write now."""


class NotASocketError(OnloadError):
    """The descriptor is no socket."""


class LinkDownError(OnloadError):
    """The port of the card is down."""


_BY_NUMBER: dict[int, type[OnloadError]] = {
    errno.ENOSYS: OnloadAbsentError,
    errno.ESOCKTNOSUPPORT: NotAcceleratedError,
    errno.ENOTTY: NotAcceleratedError,
    errno.EINVAL: InvalidError,
    errno.ENAMETOOLONG: NameTooLongError,
    errno.ENOMEM: NoMemoryError,
    errno.EOPNOTSUPP: NotSupportedError,
    errno.ENOTEMPTY: KernelDataWaitingError,
    errno.ENOSPC: TooSmallError,
    errno.EAGAIN: NothingYetError,
    errno.ENOTSOCK: NotASocketError,
    errno.EBADF: NotASocketError,
    errno.ENETDOWN: LinkDownError,
}


def error_of(number: int, function: str) -> OnloadError:
    """The error for an error number."""
    return _BY_NUMBER.get(number, OnloadError)(number, function)
