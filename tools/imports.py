"""Reads the import and cimport lines of the tree: which module names which."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOTS = ("python", "pyx", "host-tuning")
SOURCES = (".py", ".pyi", ".pyx", ".pxd")


class Import(NamedTuple):
    line: int
    module: str
    name: str  # what is imported from the module; empty for the module itself

    @property
    def target(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


class Source(NamedTuple):
    path: Path  # relative to the tree
    module: str
    lines: int
    imports: list[Import]


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def absolute(package: str, level: int, module: str) -> str:
    """The module that `level` dots and a name mean in this package."""
    if not level:
        return module
    parts = package.split(".")
    return ".".join(filter(None, [*parts[: len(parts) - level + 1], module]))


def python_imports(text: str, package: str) -> Iterator[Import]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            module = absolute(package, node.level, node.module or "")
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
                yield Import(line, absolute(package, dots, module[dots:]), name)


def sources(tree: Path) -> Iterator[Source]:
    """Every source file under the tree's roots, in order of path."""
    for root in ROOTS:
        for path in sorted((tree / root).rglob("*")):
            if path.suffix not in SOURCES:
                continue
            parts = path.relative_to(tree / root).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            read = python_imports if path.suffix in (".py", ".pyi") else cython_imports
            text = path.read_text()
            imports = list(read(text, ".".join(parts[:-1])))
            yield Source(path.relative_to(tree), module, text.count("\n"), imports)
