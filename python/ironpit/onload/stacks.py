"""Stacks: which one a thread's new sockets live in, how it is set up, and which calls spin.

A stack has one lock, so that each hot thread gets a stack of its own name. Names, options and spin
settings hold for sockets and calls of the calling thread from then on; what exists stays as it is.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from ironpit.onload.codes import Scope, Spin, Who
from ironpit.onload.errors import TooSmallError, error_of
from ironpit.onload.library import call, is_present

DONT_ACCELERATE = None
TEXT_BYTES = 256


def set_name(name: str | None, who: Who = Who.THIS_THREAD, scope: Scope = Scope.NOCHANGE) -> None:
    """New sockets live in the stack of this name; DONT_ACCELERATE: they are the kernel's.
    InvalidError, NameTooLongError."""
    encoded = None if name is None else name.encode()
    call("onload_set_stackname", int(who), int(scope), encoded)


def save_name() -> None:
    """Remember the current name. NoMemoryError."""
    call("onload_stackname_save")


def restore_name() -> None:
    """Back to the name remembered last. InvalidError: none is."""
    call("onload_stackname_restore")


@contextmanager
def named(name: str | None, scope: Scope = Scope.THREAD) -> Iterator[None]:
    """Sockets that are opened here live in the stack of this name. Does nothing without Onload."""
    if not is_present():
        yield
        return
    save_name()
    try:
        set_name(name, Who.THIS_THREAD, scope)
        yield
    finally:
        restore_name()


def set_option(option: str, value: int | str) -> None:
    """An option (`EF_...`) of the stacks that this thread creates from now on. InvalidError: it is
    unknown, or no option of stacks, or out of range."""
    if isinstance(value, str):
        call("onload_stack_opt_set_str", option.encode(), value.encode())
    else:
        call("onload_stack_opt_set_int", option.encode(), value)


def option(name: str) -> int:
    """A numeric option. InvalidError: unknown."""
    value = ctypes.c_int64()
    call("onload_stack_opt_get_int", name.encode(), ctypes.byref(value))
    return value.value


def option_text(name: str, bytes_max: int = TEXT_BYTES) -> str:
    """An option that is a text. InvalidError: unknown; TooSmallError: longer than that, and how
    long."""
    buffer, length = ctypes.create_string_buffer(bytes_max), ctypes.c_size_t(bytes_max)
    try:
        call("onload_stack_opt_get_str", name.encode(), buffer, ctypes.byref(length))
    except TooSmallError as error:
        error.needed_bytes = length.value
        raise
    return buffer.value.decode("utf-8", "replace")


def reset_options() -> None:
    """Back to the options of the environment."""
    call("onload_stack_opt_reset")


def set_spin(what: Spin | int, on: bool) -> None:
    """Whether a kind of call of this thread spins. How long it does is EF_POLL_USEC or EF_SPIN_USEC
    of the start, and nothing later. InvalidError: unknown kind."""
    call("onload_thread_set_spin", int(what), int(on))


def spins() -> set[Spin]:
    """The kinds of call of this thread that spin. OnloadAbsentError."""
    mask = ctypes.c_uint()
    result = call("onload_thread_get_spin", ctypes.byref(mask))
    if result:
        raise error_of(result, "onload_thread_get_spin")
    return {what for what in Spin if what != Spin.ALL and mask.value >> what & 1}
