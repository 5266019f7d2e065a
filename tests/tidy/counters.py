"""Reads from the sources who writes which counter, and how: by name, as far as names go."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.imports import cython_imports

from ironcore.base.counter_declaration import Declaration

# How each kind is written. Whose place becomes another's begins again, whatever its kind.
WRITES = {"counter_add": "count", "counter_follow": "count", "counter_set": "gauge"}
WRITES |= {"counter_raise_to": "maximum"}
WRITE = re.compile(r"\b(counter_(?:add|follow|set|raise_to))\(")
# "cdef enum:  # counters, in the order of COUNTERS", in the .pxd of who declares or of its struct.
ENUM = re.compile(
    r"^cdef enum:[ ]+#[ ]counters[^\n]*?\b(?P<tuple>[A-Z_]*COUNTERS)\b(?P<after>, after `mode`)?"
    r"[^\n]*\n(?P<body>(?:[ ]+[^\n]*\n)+)",
    re.MULTILINE,
)
MEMBER = re.compile(r"^\s+([A-Z][A-Z0-9_]*) = ([0-9]+)", re.MULTILINE)
DECLARED = re.compile(r"^([A-Z_]*COUNTERS) = \(", re.MULTILINE)
# An enum that does not stand beside its tuple, which is then where that module says.
ELSEWHERE = {
    "ironcore.messaging.tcp.reader": "ironcore.messaging.tcp.publication",
    "ironcore.messaging.tcp.receiver": "ironcore.messaging.tcp.subscription",
    "ironcore.messaging.multicast.receiver": "ironcore.messaging.multicast.subscription",
    "ironcore.order_entry.connection": "ironcore.stage.gateway",
}


class Write(NamedTuple):
    """One call that writes a counter. name: of the enum's member, empty where it is computed."""

    line: int
    how: str
    name: str


def argument(text: str, start: int) -> str:
    """The first argument of a call whose parenthesis has just been opened."""
    depth = 0
    for end in range(start, len(text)):
        if text[end] in "([":
            depth += 1
        elif text[end] in ")]" and depth:
            depth -= 1
        elif text[end] in ")," and not depth:
            return text[start:end]
    return text[start:]


def writes(text: str) -> Iterator[Write]:
    """Every write of a counter in a source, once for each member that it can name."""
    for found in WRITE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        names = re.findall(r"\b[A-Z][A-Z0-9_]+\b", argument(text, found.end()))
        for name in names or [""]:
            yield Write(line, found[1], name)


def enums(module: str, text: str) -> dict[str, tuple[str, str, int]]:
    """Members of the enums of counters in a .pxd: which tuple of which module they are places in,
    and the place."""
    found = {}
    for enum in ENUM.finditer(text):
        shift = 1 if enum["after"] else 0
        for name, place in MEMBER.findall(enum["body"]):
            declarer = ELSEWHERE.get(module, module)
            found[name] = (declarer, enum["tuple"], int(place) - shift)
    return found


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts[1:])


class Tree(NamedTuple):
    """The sources of the data plane: text by path, and what the enums of each module name."""

    texts: dict[Path, str]
    members: dict[str, dict[str, tuple[str, str, int]]]


def read(root: Path) -> Tree:
    paths = sorted(path for path in (root / "pyx").rglob("*.p[xy][xd]*") if path.is_file())
    texts = {p.relative_to(root): p.read_text() for p in paths if p.suffix in (".pyx", ".pxd")}
    members = {
        module_of(path): found
        for path, text in texts.items()
        if path.suffix == ".pxd" and (found := enums(module_of(path), text))
    }
    return Tree(texts, members)


def seen_from(tree: Tree, path: Path) -> dict[str, tuple[str, str, int]]:
    """The members that this source means by their names: those of its own .pxd and those that it
    takes from others."""
    module = module_of(path)
    seen = dict(tree.members.get(module, {}))
    for taken in cython_imports(tree.texts[path], module.rpartition(".")[0]):
        theirs = tree.members.get(taken.module, {})
        if taken.name in theirs:
            seen[taken.name] = theirs[taken.name]
    return seen


def declared(tree: Tree) -> dict[tuple[str, str], tuple[Declaration, ...]]:
    """Every tuple of counters that a compiled module declares."""
    return {
        (module_of(path), name): getattr(importlib.import_module(module_of(path)), name)
        for path, text in tree.texts.items()
        if path.suffix == ".pyx"
        for name in DECLARED.findall(text)
    }


def complaints(tree: Tree, parts: dict[tuple[str, str], tuple[Declaration, ...]]) -> Iterator[str]:
    """Where the code and a declaration do not agree."""
    written: dict[tuple[str, str, int], set[str]] = {}
    for path, text in tree.texts.items():
        if path.suffix != ".pyx" or path.match("base/count*"):
            continue
        seen = seen_from(tree, path)
        for line, how, name in writes(text):
            place = seen.get(name)
            if place is None:
                if how != "counter_add":
                    yield f"{path}:{line}: {how} of {name or 'a computed place'}: name the counter"
                continue
            written.setdefault(place, set()).add(WRITES[how])
            module, which, index = place
            one = parts[module, which][index]
            if WRITES[how] != one.kind:
                yield f"{path}:{line}: {how} of {name}, which {module} declares a {one.kind}"
    for (module, which), part in parts.items():
        for index, one in enumerate(part):
            if one.kind != "count" and one.kind not in written.get((module, which, index), set()):
                yield f"{module}: {one.name} is declared a {one.kind}, and nobody writes one"


def misnamed(one: Declaration) -> str:
    """Why a counter's name lies about its unit or kind; empty if it does not."""
    stem = one.name.removesuffix("_max")
    if (one.kind == "maximum") != (stem != one.name):
        return f"{one.name}: a {one.kind}; `_max` ends the names of maxima, and no others"
    for unit in ("ns", "bytes"):
        ends = stem == unit or stem.endswith(f"_{unit}")
        if ends != (one.unit == unit):
            return f"{one.name}: its unit is {one.unit}; _{unit} ends the names of {unit} alone"
    return ""
