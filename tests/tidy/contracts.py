"""The contracts of a compiled module: its .pxd for C, and its .pyi where Python sees a name."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.imports import ROOTS, python_imports

# A .pxd that may be missing, and why.
NO_PXD: dict[str, str] = {
    "ironcore/engine/matching_engine": "Python's face of the engine: no compiled module uses it",
}


def seen_by_python(tree: Path, paths: list[Path]) -> set[str]:
    """The modules from which Python takes public names, or which it imports whole."""
    seen: set[str] = set()
    for path in paths:
        if path.suffix not in (".py", ".pyi"):
            continue
        folders = path.parent.parts
        package = ".".join(folders[1:] if folders[:1] and folders[0] in ROOTS else folders)
        for found in python_imports((tree / path).read_text(), package):
            if not found.name.startswith("_"):
                seen |= {found.module, found.target}
    return seen


def declares_a_name(text: str) -> bool:
    """Whether a stub has anything to say. A plain import is for its own use; `X as X` is not."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign):
            return True
        if isinstance(node, ast.ImportFrom) and any(
            alias.name in ("*", alias.asname) for alias in node.names
        ):
            return True
    return False


def broken_contracts(tree: Path, paths: list[Path]) -> Iterator[str]:
    """A .pyx without its .pxd; a stub that is missing, says nothing, or is of nothing."""
    known = {path for path in paths if path.parts[0] == "pyx"}
    seen = seen_by_python(tree, paths)
    for path in sorted(known):
        name = path.relative_to("pyx").with_suffix("")
        if path.suffix == ".pyx":
            if path.with_suffix(".pxd") not in known and str(name) not in NO_PXD:
                yield f"{path}: no .pxd"
            if ".".join(name.parts) in seen and path.with_suffix(".pyi") not in known:
                yield f"{path}: no .pyi, and Python imports from it"
        if path.suffix == ".pyi":
            if path.with_suffix(".pyx") not in known:
                yield f"{path}: no .pyx"
            if not declares_a_name((tree / path).read_text()):
                yield f"{path}: declares no name"
