"""A root file system in one file: Debian's Python, host_tuning, a few kernel modules and a program.

The format is the kernel's own (Documentation/driver-api/early-userspace/buffer-format.rst), not
compressed: unpacking under emulation takes longer than reading.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.boot import debian

HERE = Path(__file__).resolve().parent
PROGRAM = "/program.py"
# Of the standard library, what no program in here imports.
LEFT_OUT = re.compile(
    r"/(test|lib2to3|pydoc_data|distutils|ensurepip|idlelib|tkinter|asyncio|unittest|xml|curses"
    r"|sqlite3|dbm|wsgiref|config-[^/]*)(/|$)|_(ssl|hashlib|sqlite3|curses\w*|dbm|lzma|bz2|crypt"
    r"|test\w*|codecs_\w+|xx\w+)\.|/(readline|nis|ossaudiodev|audioop)\.|\.whl$"
)
# With these the guest's network cards work. What they depend on comes along.
MODULES = ("virtio_pci", "virtio_net")


def _entry(name: str, mode: int, data: bytes, number: int, mtime_s: int = 0) -> bytes:
    fields = (number, mode, 0, 0, 1, mtime_s, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def archive(files: Iterable[tuple[str, Path | bytes]]) -> bytes:
    """A cpio of these files: name without a leading slash, and a file or link, or bytes that
    become an executable. Directories come by themselves."""
    made: list[bytes] = []
    seen: set[str] = set()
    for name, source in files:
        parts = name.split("/")
        for depth in range(1, len(parts)):
            directory = "/".join(parts[:depth])
            if directory not in seen:
                seen.add(directory)
                made.append(_entry(directory, stat.S_IFDIR | 0o755, b"", len(seen)))
        if name in seen:
            continue
        seen.add(name)
        if isinstance(source, bytes):
            made.append(_entry(name, stat.S_IFREG | 0o755, source, len(seen)))
            continue
        status = source.lstat()
        link = stat.S_ISLNK(status.st_mode)
        data = os.readlink(source).encode() if link else source.read_bytes()
        # The time counts: Python takes a .pyc only for a source of the time that it names.
        made.append(_entry(name, status.st_mode, data, len(seen), int(status.st_mtime)))
    return b"".join((*made, _entry("TRAILER!!!", 0, b"", 0)))


def python_version() -> str:
    """The version of the tree's Python, as in its file names."""
    (found,) = (path.name for path in (debian.tree() / "usr/lib").glob("python3.*"))
    return found


def _python(tree: Path) -> Iterator[tuple[str, Path]]:
    version = python_version()
    libraries = tree / "usr/lib"
    yield f"usr/bin/{version}", tree / "usr/bin" / version
    for top in (libraries / version, libraries / "python3/dist-packages/yaml"):
        for path in sorted(top.rglob("*")):
            name = f"/{path.relative_to(tree)}"
            if not path.is_dir() and not LEFT_OUT.search(name):
                yield name[1:], path
    multiarch = libraries / "x86_64-linux-gnu"
    for pattern in ("libc.so.6", "libm.so.6", "libz.so.1*", "libexpat.so.1*", "libffi.so.*",
                    "libyaml-0.so.*", "ld-linux-x86-64.so.2"):  # fmt: skip
        for path in sorted(multiarch.glob(pattern)):
            yield str(path.relative_to(tree)), path
    loader = tree / "usr/lib64/ld-linux-x86-64.so.2"
    yield "usr/lib64/ld-linux-x86-64.so.2", loader
    for link in ("lib", "lib64"):
        yield link, tree / link


def _module_order(directory: Path) -> list[Path]:
    """The modules and what they need, in the order of loading."""
    by_name = {path.stem.replace("-", "_"): path for path in directory.rglob("*.ko")}
    order: list[Path] = []

    def add(name: str) -> None:
        path = by_name[name.replace("-", "_")]
        found = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for other in (found[1].decode() if found else "").split(","):
            if other:
                add(other)
        if path not in order:
            order.append(path)

    for name in MODULES:
        add(name)
    return order


def build(program: Path) -> bytes:
    """The archive that boots into this Python program, which finds `host_tuning` and `yaml`."""

    def files() -> Iterator[tuple[str, Path | bytes]]:
        tree = debian.tree()
        interpreter = f"/usr/bin/{python_version()}"
        start = (HERE / "guest_init.py").read_bytes()
        yield "init", f"#!{interpreter} -B\n".encode() + start
        yield PROGRAM[1:], program
        yield from _python(tree)
        source = debian.ROOT / "host-tuning"
        for path in sorted((source / "host_tuning").rglob("*")):
            if path.suffix in (".py", ".yaml", ".json", ".so"):
                yield f"opt/{path.relative_to(source)}", path
        modules = _module_order(debian.kernel() / "lib/modules")
        for number, path in enumerate(modules):
            yield f"modules/{number:02}-{path.name}", path

    return archive(files())
