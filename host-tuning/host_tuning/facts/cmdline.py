"""Kernel command lines: the running one, and those that boot loader files hold for next time.

Formats: Documentation/admin-guide/kernel-parameters.rst; the Boot Loader Specification for
/boot/loader/entries (fields `options`, grubby's `$kernelopts` in /boot/grub2/grubenv); grub's
/etc/default/grub. They are read to tell "deviates" from "set for the next boot" and never written.
"""

import shlex
from dataclasses import dataclass

from host_tuning.facts.tree import HostTree, Reading


@dataclass(frozen=True, slots=True)
class BootLine:
    """One command line: where it stands, and its arguments in order, None for one without `=`."""

    path: str
    text: str
    arguments: tuple[tuple[str, str | None], ...]

    def values(self, name: str) -> list[str | None]:
        """The values of every occurrence of an argument; kernels let the last one win."""
        return [value for found, value in self.arguments if found == name]

    def last(self, name: str) -> str | None:
        """The value that counts; None if it is absent or has none."""
        values = self.values(name)
        return values[-1] if values else None

    def has(self, name: str) -> bool:
        """Whether the argument stands there, with or without a value."""
        return bool(self.values(name))


def split(text: str) -> tuple[tuple[str, str | None], ...]:
    """The arguments of a command line; what stands after `--` is for init, not the kernel."""
    try:
        words = shlex.split(text, comments=False, posix=True)
    except ValueError:  # an unbalanced quote, which kernels read up to the end of the line
        words = text.split()
    found: list[tuple[str, str | None]] = []
    for word in words:
        if word == "--":
            break
        name, equals, value = word.partition("=")
        found.append((name.replace("-", "_"), value if equals else None))
    return tuple(found)


def parse(reading: Reading) -> BootLine:
    """The running kernel's line; without arguments where it cannot be read."""
    return BootLine(reading.path, reading.value, split(reading.value))


def next_boot(tree: HostTree) -> tuple[BootLine, ...]:
    """The lines that the next boot may use: BLS entries first, else grub's default file."""
    kernelopts = _grubenv(tree)
    lines = []
    for directory in ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries"):
        for name in tree.names(directory):
            reading = tree.read(f"{directory}/{name}")
            if not name.endswith(".conf") or not reading.ok:
                continue
            options = " ".join(
                line.split(None, 1)[1]
                for line in reading.text.splitlines()
                if line.startswith(("options ", "options\t")) and len(line.split(None, 1)) == 2
            ).replace("$kernelopts", kernelopts)
            lines.append(BootLine(reading.path, options, split(options)))
    if lines:
        return tuple(lines)
    reading = tree.read("/etc/kernel/cmdline")
    if reading.ok:
        return (parse(reading),)
    return _default_grub(tree)


def unquoted(value: str) -> str:
    """The value of a shell assignment without the quotes around the whole of it."""
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _grubenv(tree: HostTree) -> str:
    for path in ("/boot/grub2/grubenv", "/boot/grub/grubenv"):
        for line in tree.read(path).text.splitlines():
            if line.startswith("kernelopts="):
                return line.partition("=")[2]
    return ""


def _default_grub(tree: HostTree) -> tuple[BootLine, ...]:
    reading = tree.read("/etc/default/grub")
    if not reading.ok:
        return ()
    values: dict[str, str] = {}
    for line in reading.text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name in ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"):
            values[name] = unquoted(value)
    text = " ".join(values.values())
    return (BootLine(reading.path, text, split(text)),)
