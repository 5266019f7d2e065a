"""What a kind of change is: how its value is read, written, compared and taken back.

A state is what read() gave: the raw bytes, or None where there is nothing of that name. The undo
log keeps states, so that taking back is restoring one.
"""

import errno
import os
from collections.abc import Callable, Hashable

from host_tuning.common.change import Change
from host_tuning.common.errors import ToolError
from host_tuning.facts.tree import HostTree

GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV)
RUNTIME = ("/proc/", "/sys/", "/dev/", "/run/")

Meaning = Callable[[str], Hashable]


def words(text: str) -> Hashable:
    """A text without regard to how its words are spaced: sysctls print tabs between numbers."""
    return tuple(text.replace("\0", " ").split())


def text_of(state: bytes | None) -> str:
    """A state for people; empty for None."""
    return "" if state is None else state.decode("utf-8", "replace")


def in_words(state: bytes | None) -> str:
    """A state in one line: `(absent)`, `(empty)`, or the text."""
    return "(absent)" if state is None else " ".join(text_of(state).split()) or "(empty)"


def describe(problem: OSError) -> str:
    """An errno for people: `EIO (Input/output error)`."""
    name = errno.errorcode.get(problem.errno or 0, str(problem.errno))
    return f"{name} ({problem.strerror or os.strerror(problem.errno or 0)})"


class Kind:
    """A file of /proc or /sys that takes a value by one write. Subclasses are the other kinds.

    meaning: what two texts must have in common to be the same value.
    """

    def __init__(self, meaning: Meaning = words) -> None:
        self.meaning = meaning

    def path(self, change: Change) -> str:
        """The file or directory that the change is about; empty if it is about none."""
        return change.target

    def persistent(self, change: Change) -> bool:
        """Whether the value outlives a reboot."""
        return not self.path(change).startswith(RUNTIME)

    def read(self, tree: HostTree, change: Change) -> bytes | None:
        """The state now. Errors: OSError."""
        return tree.read_bytes(self.path(change))

    def write(self, tree: HostTree, change: Change) -> None:
        """Make the change. Errors: OSError as the kernel gave it."""
        tree.write(self.path(change), change.new.encode() + b"\n")

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Bring a state back. Errors: OSError."""
        if old is None:
            raise OSError(errno.EINVAL, "no file of /proc or /sys can be removed", change.target)
        # A write of nothing is no write: an empty value is written as a line's end.
        tree.write(self.path(change), (old if not tree.live or old.strip() else b"\n"))

    def same(self, one: bytes | None, other: bytes | None) -> bool:
        """Whether two states are the same value."""
        if one is None or other is None:
            return one is other
        return one == other or self._meaning(text_of(one)) == self._meaning(text_of(other))

    def holds(self, change: Change, state: bytes | None) -> bool:
        """Whether the state is what the change wants."""
        return self.same(state, change.new.encode())

    def ours(self, change: Change, old: bytes | None, state: bytes | None) -> bool:
        """Whether the state is what the write made of the old one, and nobody else's."""
        return self.holds(change, state)

    def shown(self, change: Change, state: bytes | None) -> str:
        """A state in one line, as the change's own value is written."""
        return in_words(state)

    def obstacle(self, tree: HostTree, change: Change) -> str:
        """Why the write cannot succeed, known before trying; empty if nothing is known."""
        return tree.refusal(self.path(change))

    def _meaning(self, text: str) -> Hashable:
        try:
            return self.meaning(text)
        except ToolError:  # no CPU list at all: then only the same words are the same
            return words(text)


class LiveKind(Kind):
    """What no file holds: only the running kernel can be asked and told."""

    def path(self, change: Change) -> str:
        """None."""
        return ""

    def persistent(self, change: Change) -> bool:
        """The kernel forgets it at a reboot."""
        return False

    def obstacle(self, tree: HostTree, change: Change) -> str:
        """A capture has no kernel."""
        return "" if tree.live else "only the running kernel can be told this, not a captured tree"

    def read(self, tree: HostTree, change: Change) -> bytes | None:
        """The state now. Errors: OSError, EOPNOTSUPP for a capture."""
        if not tree.live:
            raise OSError(errno.EOPNOTSUPP, self.obstacle(tree, change), change.target)
        return self.ask(tree, change)

    def ask(self, tree: HostTree, change: Change) -> bytes | None:
        """The state now, on the running host."""
        raise NotImplementedError
