"""The kinds of change whose files do not read back what was written into them."""

import errno
import os
import re
import shlex
from collections.abc import Hashable

from host_tuning.changing.kind import Kind, in_words, text_of
from host_tuning.common.change import Change
from host_tuning.facts.tree import HostTree


def bracketed(text: str) -> Hashable:
    """The chosen word of `always [madvise] never`; a plain word stands for itself."""
    return text.partition("[")[2].partition("]")[0] if "[" in text else text.strip()


class Bracket(Kind):
    """One word of several: written alone, read in brackets among the others."""

    def __init__(self) -> None:
        super().__init__(bracketed)

    def write(self, tree: HostTree, change: Change) -> None:
        """Write the word; a capture shows it as the kernel would."""
        if tree.live:
            super().write(tree, change)
            return
        choices = text_of(self.read(tree, change)).replace("[", "").replace("]", "").split()
        if change.new not in choices:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), change.target)
        shown = (f"[{word}]" if word == change.new else word for word in choices)
        tree.write(change.target, " ".join(shown).encode() + b"\n")

    def shown(self, change: Change, state: bytes | None) -> str:
        """The word in brackets."""
        return str(bracketed(text_of(state))) if state is not None else in_words(state)

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Write the word that stood in brackets."""
        if tree.live and old is not None:
            old = str(bracketed(text_of(old))).encode() + b"\n"
        super().restore(tree, change, old)


class Partition(Kind):
    """`cpuset.cpus.partition`: `isolated invalid (reason)` is not `isolated`.

    Source: Documentation/admin-guide/cgroup-v2.rst, Cpuset Interface Files.
    """

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Write the type of the partition, which is the first word of what was read."""
        if tree.live and old is not None:
            old = (old.split() or [b"member"])[0] + b"\n"
        super().restore(tree, change, old)


class Controllers(Kind):
    """`cgroup.subtree_control`: takes `+cpuset -io`, shows what is on."""

    def holds(self, change: Change, state: bytes | None) -> bool:
        """Whether those with a plus are on, and those with a minus are not."""
        on = set(text_of(state).split())
        return all((word[1:] in on) is (word[0] == "+") for word in change.new.split())

    def write(self, tree: HostTree, change: Change) -> None:
        """Switch controllers; a capture shows them as the kernel would."""
        if tree.live:
            super().write(tree, change)
            return
        on = text_of(self.read(tree, change)).split()
        for word in change.new.split():
            on = [one for one in on if one != word[1:]] + ([word[1:]] if word[0] == "+" else [])
        tree.write(change.target, " ".join(on).encode() + b"\n")

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Switch what differs."""
        if tree.live and old is not None:
            before, now = set(old.split()), set((self.read(tree, change) or b"").split())
            off = [b"-" + word for word in sorted(now - before)]
            old = b" ".join([*off, *(b"+" + word for word in sorted(before - now))])
        super().restore(tree, change, old)


class Line(Kind):
    """One NAME=value line of a shell-like configuration file; target `/etc/default/x:NAME`.

    Taking back restores the whole file, so the state is the whole file and ours() is strict.
    """

    def path(self, change: Change) -> str:
        """The file without the name behind the colon."""
        return change.target.rpartition(":")[0]

    def read(self, tree: HostTree, change: Change) -> bytes | None:
        """The whole file, or None where there is none yet."""
        try:
            return super().read(tree, change)
        except FileNotFoundError:
            return None

    def rendered(self, change: Change, old: bytes | None) -> bytes:
        """The file with the last line that sets the name replaced, or with one more line."""
        name = change.target.rpartition(":")[2]
        line = f"{name}={shlex.quote(change.new)}".encode()
        lines = (old or b"").split(b"\n")
        found = [at for at, text in enumerate(lines) if _sets(text, name)]
        if found:
            lines[found[-1]] = line
        else:
            at = len(lines) - 1 if lines[-1] == b"" else len(lines)
            lines[at:at] = [line] if lines[-1:] == [b""] else [line, b""]
        return b"\n".join(lines)

    def write(self, tree: HostTree, change: Change) -> None:
        """Replace the file by one that has the line."""
        tree.replace(self.path(change), self.rendered(change, self.read(tree, change)))

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Replace the file by the old one, or remove what was not there."""
        if old is None:
            tree.remove(self.path(change))
        else:
            tree.replace(self.path(change), old)

    def same(self, one: bytes | None, other: bytes | None) -> bool:
        """Whether all bytes are the same."""
        return one == other

    def value(self, change: Change, state: bytes | None) -> str | None:
        """What the last line that sets the name sets it to; None where none does."""
        name = change.target.rpartition(":")[2]
        found = [text for text in (state or b"").split(b"\n") if _sets(text, name)]
        if not found:
            return None
        text = text_of(found[-1]).partition("=")[2]
        try:
            return " ".join(shlex.split(text, comments=True))
        except ValueError:  # an open quote
            return text

    def holds(self, change: Change, state: bytes | None) -> bool:
        """Whether the last line that sets the name sets it to this value."""
        return self.value(change, state) == change.new

    def shown(self, change: Change, state: bytes | None) -> str:
        """The value, not the file."""
        value = self.value(change, state)
        return "(absent)" if value is None else value or "(empty)"

    def ours(self, change: Change, old: bytes | None, state: bytes | None) -> bool:
        """Whether nobody edited the file since."""
        return state == self.rendered(change, old)

    def obstacle(self, tree: HostTree, change: Change) -> str:
        """A file may be made, but not its directory."""
        path = self.path(change)
        return tree.refusal(path if tree.exists(path) else path.rpartition("/")[0])


def _sets(line: bytes, name: str) -> bool:
    return re.match(rb"\s*(export\s+)?" + re.escape(name.encode()) + rb"=", line) is not None


class Directory(Kind):
    """A cgroup: new `present` makes it, `absent` removes it."""

    def read(self, tree: HostTree, change: Change) -> bytes | None:
        """Empty where the directory is, None where it is not."""
        if tree.exists(change.target) and not tree.is_directory(change.target):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), change.target)
        return b"" if tree.is_directory(change.target) else None

    def write(self, tree: HostTree, change: Change) -> None:
        """Make or remove it."""
        self.restore(tree, change, None if change.new == "absent" else b"")

    def restore(self, tree: HostTree, change: Change, old: bytes | None) -> None:
        """Make it or remove it, whichever it was not."""
        if old is None:
            tree.remove_directory(change.target)
        else:
            tree.make_directory(change.target)

    def holds(self, change: Change, state: bytes | None) -> bool:
        """Whether it is there, or is not, as wanted."""
        return (state is None) == (change.new == "absent")

    def shown(self, change: Change, state: bytes | None) -> str:
        """`present` or `absent`."""
        return "absent" if state is None else "present"

    def obstacle(self, tree: HostTree, change: Change) -> str:
        """Something in the way, or no directory above."""
        if tree.exists(change.target) and not tree.is_directory(change.target):
            return "ENOTDIR (a file of this name is there)"
        return tree.refusal(change.target.rpartition("/")[0])
