"""What the documents say of the tree: the map of rooms, the layers, files and functions by name."""

import re
from collections.abc import Iterator
from pathlib import Path

MAP = re.compile(r"^```\n\$ python -m tools\.rooms --map\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAYER = re.compile(r"^\| L(\d) \| (.+?) \|$", re.MULTILINE)
NAMED_LINK = re.compile(r"\[`([\w.]+)`\]\(([^)\s#]+\.(?:pyx|pxd|pyi|py|h))\)")
CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?")

# A path is looked for from here. A module may be named without its suffix.
ROOTS = ("", "pyx/ironcore", "python/ironpit", "host-tuning/host_tuning")
SUFFIXES = ("", ".pyx", ".pxd", ".py")


def rooms_map(document: str) -> str:
    """The block of the document that the tool prints."""
    found = MAP.findall(document)
    if len(found) != 1:
        raise ValueError(f"{len(found)} blocks of `python -m tools.rooms --map`, expected 1")
    return str(found[0])


def layers(document: str) -> dict[str, int]:
    """Room to layer, by the document's table: the names in code spans of its second column."""
    return {
        f"ironcore.{name}": int(layer)
        for layer, rooms in LAYER.findall(document)
        for name in re.findall(r"`(\w+)`", rooms)
    }


def defines(source: str, name: str) -> bool:
    """Whether this source defines the function, class, struct or method (`Class.method`)."""
    *owner, plain = name.split(".")
    function = rf"^\s*(?:async )?(?:cdef|def|cpdef)\b[^=#\n]*?[\s*]{re.escape(plain)}\("
    kind = rf"^\s*(?:cdef (?:packed )?(?:struct|class)|class) {re.escape(plain)}\b"
    owned = all(re.search(rf"^\s*(?:cdef )?class {re.escape(o)}\b", source, re.M) for o in owner)
    return owned and re.search(f"{function}|{kind}", source, re.MULTILINE) is not None


def unknown_names(tree: Path, document: Path) -> Iterator[str]:
    """Links whose text is the name of something that the file linked to does not define."""
    for name, target in NAMED_LINK.findall((tree / document).read_text()):
        file = (tree / document).parent / target
        if not file.is_file():
            yield f"{document}: {name}: there is no {target}"
        elif not defines(file.read_text(), name):
            yield f"{document}: {target} does not define {name}"


def _exists(tree: Path, path: str) -> bool:
    return any((tree / root / f"{path}{suffix}").exists() for root in ROOTS for suffix in SUFFIXES)


def _first_names(tree: Path) -> set[str]:
    """Names of folders with which a path of ours begins."""
    return {
        entry.name
        for root in ROOTS
        for entry in (tree / root).iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    } - {"build", "run"}


def unknown_modules(name: str, text: str, known: set[str]) -> Iterator[str]:
    """Compiled modules that a source names in passing (`See ring.pyx`) and that are not there."""
    for module in re.findall(r"\b[a-z_0-9]+\.(?:pyx|pxd)\b", text):
        if module not in known:
            yield f"{name}: {module} does not exist"


def unknown_paths(tree: Path, document: Path) -> Iterator[str]:
    """Paths in code spans that begin like one of ours and lead nowhere; NAME is a blank."""
    first_names = _first_names(tree)
    for span in CODE_SPAN.findall((tree / document).read_text()):
        for path in PATH.findall(span):
            is_ours = path.split("/")[0] in first_names
            is_blank = re.search(r"NAME|NNNN|FILE", path) is not None
            if is_ours and not is_blank and not _exists(tree, path.rstrip("/")):
                yield f"{document}: `{path}` does not exist"
