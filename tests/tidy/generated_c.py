"""Finds calls into Python in the C that Cython made of `noexcept nogil` functions."""

import re
from pathlib import Path

# Cython's own helpers that are plain C. Empty on purpose: say why when you add one.
HARMLESS: dict[str, str] = {}

# With the return type, the arguments (that may hold function pointers) and perhaps line breaks.
DECLARED = re.compile(
    r"^(?P<indent>[ \t]*)cdef\s+(?!class\b|struct\b|enum\b|extern\b)(?P<head>[^()\n=:]*?)"
    r"(?P<name>\w+)\((?P<arguments>[^:]*?)\)\s*noexcept\s+nogil\s*:",
    re.MULTILINE,
)
DEFINED = re.compile(r"^[^\n;/]*\b__pyx_f_(\w+)\([^;{}]*\)\s*\{\n", re.MULTILINE)
PYTHON = re.compile(r"\b(_?Py[A-Z_]\w*|__Pyx_\w+|__pyx_(?:pw|pf|n_s|builtin|m)_\w+)\b")
NOT_CODE = re.compile(r"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


def hot_functions(text: str) -> list[str]:
    """Names of the functions with a body that a source declares `noexcept nogil`."""
    return [found["name"] for found in DECLARED.finditer(text)]


def mangled(module: str) -> str:
    """`ironcore.base.clock` as Cython writes it: each part after its length."""
    return "_".join(f"{len(part)}{part}" for part in module.split("."))


class GeneratedC:
    """The functions of one generated file: from a brace to the first brace in column 0."""

    def __init__(self, text: str) -> None:
        self.bodies: dict[str, str] = {}
        for found in DEFINED.finditer(text):
            end = text.index("\n}\n", found.end() - 1)
            self.bodies[found[1]] = text[found.end() : end]

    def find(self, module: str, name: str) -> list[str]:
        """Bodies of a module's function, or of the methods of that name of its classes."""
        wanted = re.compile(rf"{mangled(module)}_(?:\d+\w+_)?{name}")
        return [body for symbol, body in self.bodies.items() if wanted.fullmatch(symbol)]


def python_calls(body: str) -> list[str]:
    """Names of Python's C interface, and of Cython's helpers around it, that the body uses."""
    code = NOT_CODE.sub(" ", body)
    return sorted({name for name in PYTHON.findall(code) if name not in HARMLESS})


def module_name(source: Path) -> str:
    return ".".join(source.with_suffix("").parts[1:])
