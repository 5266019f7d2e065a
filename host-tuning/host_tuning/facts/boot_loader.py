"""How a person adds arguments to the kernel's command line of the next boot: detected from the
host's files, never written.

Sources: the grub manual (GRUB_CMDLINE_LINUX), grubby(8), the Boot Loader Specification,
kernel-install(8).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from host_tuning.common.change import BootArgument
from host_tuning.facts import cmdline
from host_tuning.facts.tree import HostTree

GRUBENV_BYTES_MAX = 1024  # "GRUB environment block": fixed, header and padding included
_GRUBENVS = ("/boot/grub2/grubenv", "/boot/grub/grubenv")
_GRUB2_CONFIG = "/boot/grub2/grub.cfg"
_DEFAULT = "/etc/default/grub"
_CMDLINE = "/etc/kernel/cmdline"
_REBUILD = 'sudo kernel-install add "$(uname -r)" "/lib/modules/$(uname -r)/vmlinuz"'


@dataclass(frozen=True, slots=True)
class Instructions:
    """What to type. loader: `grubby`, `grub`, `systemd-boot` or `unknown`. add, undo: commands or
    edits in order. notes: what to mind."""

    loader: str
    add: tuple[str, ...]
    undo: tuple[str, ...]
    notes: tuple[str, ...] = ()


def detect(tree: HostTree) -> str:
    """The tool that this host's kernel arguments are kept with.

    grubby counts before grub's default file, which a host with BLS entries reads for new kernels
    only; /etc/kernel/cmdline means kernel-install, as systemd-boot uses it.
    """
    if any(tree.exists(f"{place}/grubby") for place in ("/usr/sbin", "/sbin", "/usr/bin")):
        return "grubby"
    if tree.exists(_DEFAULT):
        return "grub"
    entries = ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries")
    if tree.exists(_CMDLINE) or any(tree.names(entry) for entry in entries):
        return "systemd-boot"
    return "unknown"


def place(tree: HostTree) -> str:
    """Where arguments are kept without grubby, and what makes them count at the next boot."""
    loader = detect(tree)
    if loader == "grub":
        return f"GRUB_CMDLINE_LINUX in {_DEFAULT}, then {_update(tree)}"
    if loader == "systemd-boot":
        return f"{_CMDLINE}, then {_REBUILD}"
    return "the kernel's command line"


def _update(tree: HostTree) -> str:
    if tree.exists("/usr/sbin/update-grub") or not tree.exists(_GRUB2_CONFIG):
        return "sudo update-grub"
    return f"sudo grub2-mkconfig -o {_GRUB2_CONFIG}"


def instructions(tree: HostTree, arguments: Sequence[BootArgument]) -> Instructions:
    """How to add the arguments on this host."""
    text = " ".join(one.text for one in arguments)
    loader = detect(tree)
    if loader == "grubby":
        return _grubby(tree, arguments, text)
    if loader == "grub":
        return _grub(tree, arguments)
    if loader == "systemd-boot":
        return _systemd_boot(tree, arguments)
    note = (
        "no boot loader's files were found: what starts this kernel (a hypervisor, a network boot "
        "server) has to pass the arguments"
    )
    return Instructions(loader, (f"add to the kernel's command line: {text}",), (), (note,))


def merged(text: str, arguments: Sequence[BootArgument]) -> str:
    """A command line with the arguments instead of those of the same names; the rest as it was."""
    names = {one.name.replace("-", "_") for one in arguments}
    words = re.findall(r'(?:[^\s"]|"[^"]*"?)+', text)
    kept = [word for word in words if word.partition("=")[0].replace("-", "_") not in names]
    return " ".join([*kept, *(one.text for one in arguments)])


def _replaced(lines: Sequence[cmdline.BootLine], arguments: Sequence[BootArgument]) -> list[str]:
    """The arguments of the next boot that the new ones replace, as they stand there."""
    found: dict[str, None] = {}
    for line in lines:
        for argument in arguments:
            for value in line.values(argument.name.replace("-", "_")):
                found[argument.name if value is None else f"{argument.name}={value}"] = None
    return [text for text in found if text not in {one.text for one in arguments}]


def _grubby(tree: HostTree, arguments: Sequence[BootArgument], text: str) -> Instructions:
    lines = cmdline.next_boot(tree)
    old = _replaced(lines, arguments)
    remove = f' --remove-args="{" ".join(old)}"' if old else ""
    back = f' --args="{" ".join(old)}"' if old else ""
    notes = [f"replaces {' '.join(old)}"] if old else []
    longest = max((len(merged(line.text, arguments).encode()) for line in lines), default=0)
    in_grubenv = any("kernelopts=" in tree.read(path).text for path in _GRUBENVS)
    if in_grubenv and longest + 128 > GRUBENV_BYTES_MAX:
        notes.append(
            f"grubenv holds {GRUBENV_BYTES_MAX} bytes and the line would have {longest}: "
            "grubby may cut it; shorten it first"
        )
    return Instructions(
        "grubby",
        (f'sudo grubby --update-kernel=ALL{remove} --args="{text}"',),
        (f'sudo grubby --update-kernel=ALL --remove-args="{text}"{back}',),
        tuple(notes),
    )


def _grub(tree: HostTree, arguments: Sequence[BootArgument]) -> Instructions:
    values: dict[str, tuple[str, cmdline.BootLine]] = {}
    path = _DEFAULT
    for line in tree.read(path).text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name in ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"):
            inner = cmdline.unquoted(value)
            values[name] = (line.strip(), cmdline.BootLine(path, inner, cmdline.split(inner)))
    empty = ('GRUB_CMDLINE_LINUX=""', cmdline.BootLine(path, "", ()))
    old, parsed = values.get("GRUB_CMDLINE_LINUX", empty)
    update = _update(tree)
    notes = []
    default = values.get("GRUB_CMDLINE_LINUX_DEFAULT")
    clash = _replaced([default[1]], arguments) if default else []
    if clash:  # grub puts it behind GRUB_CMDLINE_LINUX, and the last one wins
        notes.append(f"take {' '.join(clash)} out of GRUB_CMDLINE_LINUX_DEFAULT: it would win")
    if tree.names("/etc/default/grub.d"):
        notes.append("files in /etc/default/grub.d may set the line again")
    quote = "'" if old.partition("=")[2].startswith("'") else '"'
    line = f"GRUB_CMDLINE_LINUX={quote}{merged(parsed.text, arguments)}{quote}"
    return Instructions(
        "grub",
        (f"in {path}: {line}", update),
        (f"in {path}: {old}", update),
        tuple(notes),
    )


def _systemd_boot(tree: HostTree, arguments: Sequence[BootArgument]) -> Instructions:
    path = _CMDLINE
    reading = tree.read(path)
    lines = cmdline.next_boot(tree)
    current = reading.value if reading.ok else (lines[0].text if lines else "")
    whole = merged(current, arguments)
    undo = f"in {path}: {reading.value}" if reading.ok else f"sudo rm {path}"
    return Instructions("systemd-boot", (f"in {path}: {whole}", _REBUILD), (undo, _REBUILD))
