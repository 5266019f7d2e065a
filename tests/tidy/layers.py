"""Which module may import which: the layers of docs/ARCHITECTURE.md, read from the import lines."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOTS = ("python", "pyx", "host-tuning")
LAYERS = {
    "ironcore.base": 0,
    "ironcore.wire": 1,
    "ironcore.ring": 1,
    "ironcore.net": 1,
    "ironcore.messaging": 2,
    "ironcore.book": 2,
    "ironcore.risk": 2,
    "ironcore.stage": 3,
    "ironcore.runtime": 4,
}
# Within a layer packages do not import each other, but for this: the engine asks the limits inline.
SIDEWAYS = {("ironcore.book", "ironcore.risk")}
# What the control plane may touch of the data plane. The book's Python face is the library's.
CONTROL_PLANE_REACHES = (
    "ironcore.library.command_rows",
    "ironcore.engine.matching_engine",
    "ironcore.library.venue",
    "ironcore.messaging",
    "ironcore.net.af_xdp.program",
    "ironcore.net.af_xdp.receive",
    "ironcore.net.af_xdp.send",
    "ironcore.stage",
    "ironcore.runtime",
    "ironcore.wire",
    "ironcore.base.counter_set",
    "ironcore.base.counters",
    "ironcore.base.histogram",
    "ironcore.base.status",
)
# Pure packages: no I/O, no clock, no randomness.
PURE = ("ironcore.wire", "ironcore.book", "ironcore.risk")
IMPURE = (
    "ironcore.base.clock",
    "ironcore.base.files",
    "libc.stdio",
    "libc.time",
    "posix.fcntl",
    "posix.time",
    "posix.unistd",
    "io",
    "os",
    "random",
    "secrets",
    "socket",
    "time",
)
# Stages meet only at rings: a module of one box imports nothing of another's.
BOXES = ("gateway", "matcher", "publisher", "journal", "bridge")
# The journal's files are read by every stage that catches up: their reader belongs to none.
SHARED = ("journal_format", "journal_cursor", "journal_reader", "journal_mark")


class Import(NamedTuple):
    line: int
    module: str
    name: str  # what is imported from the module; empty for the module itself

    @property
    def target(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def python_imports(text: str, package: str) -> Iterator[Import]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                module = ".".join([*parents, *([module] if module else [])])
            for alias in node.names:
                yield Import(node.lineno, module, alias.name)


CYTHON_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+)?c?import[ \t]+"
    r"(?P<names>\([^)]*\)|(?:[^\n\\]|\\\n)+)",
    re.MULTILINE,
)


def cython_imports(text: str, package: str) -> Iterator[Import]:
    text = re.sub(r'"""[\s\S]*?"""', lambda quoted: "\n" * quoted[0].count("\n"), text)
    for found in CYTHON_IMPORT.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        names = re.sub(r"#[^\n]*|[()\\\n]", " ", found["names"])
        for name in filter(None, (part.split(" as ")[0].strip() for part in names.split(","))):
            module = found["module"]
            if module is None:
                yield Import(line, name, "")
            else:
                dots = len(module) - len(module.lstrip("."))
                if dots:
                    parents = package.split(".")[: len(package.split(".")) - dots + 1]
                    module = ".".join(filter(None, [*parents, module[dots:]]))
                yield Import(line, module, name)


def layer(module: str) -> int | None:
    return next((level for package, level in LAYERS.items() if within(module, package)), None)


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def box(module: str) -> str | None:
    """The stage that a module of ironcore.stage belongs to, if it belongs to one alone."""
    name = module.removeprefix("ironcore.stage.")
    if name.split(".")[0] in SHARED:
        return None
    return next((word for word in BOXES if re.match(rf"{word}(_|\.|$)", name)), None)


def complaint(importer: str, imported: Import) -> str:
    """Why the importer may not import that; empty if it may."""
    target = imported.target
    if within(importer, "host_tuning"):
        outside = within(target, "ironcore") or within(target, "ironpit")
        return "host_tuning imports neither ironcore nor ironpit" if outside else ""
    if within(importer, "ironpit"):
        if within(target, "host_tuning"):
            return "ironpit does not import host_tuning"
        if within(target, "ironcore") and not any(
            within(target, package) for package in CONTROL_PLANE_REACHES
        ):
            return f"ironpit reaches only {', '.join(CONTROL_PLANE_REACHES)}"
        return ""
    if not within(importer, "ironcore"):
        return ""
    if within(target, "ironpit") or within(target, "host_tuning"):
        return "ironcore imports neither ironpit nor host_tuning"
    if any(within(importer, pure) for pure in PURE) and any(within(target, io) for io in IMPURE):
        return "this package is pure: no I/O, no clock, no randomness"
    above, below = layer(importer), layer(target)
    if above is None or below is None:
        return ""
    if below > above:
        return f"the arrow points up: L{above} imports L{below}"
    packages = package_of(importer), package_of(target)
    if below == above and packages[0] != packages[1] and packages not in SIDEWAYS:
        return f"packages of one layer (L{above}) do not import each other"
    if above == layer("ironcore.stage") and None not in (box(importer), box(target)):
        return "" if box(importer) == box(target) else "stages meet only at rings"
    return ""


def violations(tree: Path) -> list[str]:
    """Every import under the tree's roots that the layers forbid."""
    found = []
    for root in ROOTS:
        for path in sorted((tree / root).rglob("*")):
            if path.suffix not in (".py", ".pyi", ".pyx", ".pxd"):
                continue
            parts = path.relative_to(tree / root).with_suffix("").parts
            importer = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            package = ".".join(parts[:-1])
            read = python_imports if path.suffix in (".py", ".pyi") else cython_imports
            for imported in read(path.read_text(), package):
                why = complaint(importer, imported)
                if why:
                    where = f"{path.relative_to(tree)}:{imported.line}"
                    found.append(f"{where}: imports {imported.target}: {why}")
    return found
