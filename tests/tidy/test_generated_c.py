"""Goal: hot code runs without the interpreter: `noexcept nogil` functions call nothing of Python's.

Method: find every such function in the sources, then its body in the C that Cython generates with
the release directives, and look for names of Python's C interface. A function that is not found in
the C is a failure too, so that the scan cannot miss one. Sources with known faults show that each
kind of call is seen.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.tidy.generated_c import GeneratedC, hot_functions, module_name, python_calls
from tools import lint_build

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generated() -> dict[Path, GeneratedC]:
    """By .pyx source."""
    return {
        source: GeneratedC(release_c(source, paths).read_text())
        for source, paths in lint_build.dependencies().items()
    }


def release_c(source: Path, dependencies: list[Path]) -> Path:
    """What the release build compiled; translated now if that is not up to date."""
    built = ROOT / "build/cython-release" / source.with_suffix(".c")
    if built.exists() and built.stat().st_mtime >= max(x.stat().st_mtime for x in dependencies):
        return built
    assert lint_build.translate(source) == ""
    return lint_build.c_path(source)


def test_hot_functions_call_nothing_of_python(generated: dict[Path, GeneratedC]) -> None:
    scanned, found, unseen = 0, [], []
    for source, c in generated.items():
        module = module_name(source)
        for name in hot_functions((ROOT / source).read_text()):
            functions = c.find(module, name)
            if not functions:
                unseen.append(f"{module}.{name}")
            for body in functions:
                scanned += 1
                found += [f"{module}.{name}: {call}" for call in python_calls(body)]
    assert found == []
    assert unseen == []
    assert scanned > 50


def test_inline_functions_of_declarations_call_nothing_of_python(
    generated: dict[Path, GeneratedC],
) -> None:
    scanned, found = 0, []
    for declarations in sorted((ROOT / "pyx").rglob("*.pxd")):
        module = module_name(declarations.relative_to(ROOT))
        for name in hot_functions(declarations.read_text()):
            for source, c in generated.items():
                for body in c.find(module, name):
                    scanned += 1
                    found += [f"{module}.{name} in {source}: {call}" for call in python_calls(body)]
    assert found == []
    assert scanned > 5


FAULTS = """
from libc.stdint cimport uint64_t

cdef class Box:
    cdef dict content

    cdef int takes_the_gil(self) noexcept nogil:
        with gil:
            self.content["x"] = 1
        return 0

cdef int raises() except -1 nogil:
    return -1

cdef int swallows(
    int x,
    int (*callback)(int) noexcept nogil,
) noexcept nogil:
    raises()
    return callback(x)

cdef uint64_t divides(uint64_t a, uint64_t b) noexcept nogil:
    return a // b

cdef uint64_t counts(uint64_t* a, uint64_t n) noexcept nogil:
    cdef uint64_t i, sum = 0
    for i in range(n):
        sum += a[i]
    return sum  # PyObject_Call("in a comment")
"""


def test_calls_of_python_are_seen(tmp_path: Path) -> None:
    source = tmp_path / "faults.pyx"
    source.write_text(FAULTS)
    command = [sys.executable, *lint_build.CYTHON, str(source), "-X", "cdivision=False"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    c = GeneratedC(source.with_suffix(".c").read_text())
    assert hot_functions(FAULTS) == ["takes_the_gil", "swallows", "divides", "counts"]
    calls = {
        name: [call for body in c.find("faults", name) for call in python_calls(body)]
        for name in hot_functions(FAULTS)
    }
    assert "__Pyx_PyGILState_Ensure" in calls["takes_the_gil"]
    assert "__Pyx_WriteUnraisable" in calls["swallows"]
    assert "PyErr_SetString" in calls["divides"]
    assert calls["counts"] == []


@pytest.mark.parametrize(
    ("statement", "calls"),
    [
        ("PyObject_Call(f, x, y);", ["PyObject_Call"]),
        ("__pyx_t_1 = Py_None; Py_INCREF(x);", ["Py_INCREF", "Py_None"]),
        ("_Py_Dealloc(x); __Pyx_XDECREF(x);", ["_Py_Dealloc", "__Pyx_XDECREF"]),
        ("__pyx_f_8ironcore_4base_5clock_f(x); memcpy(a, b, 3); /* PyList_New */", []),
        ('__pyx_v_PyramidCount = f("PyList_New");', []),
    ],
)
def test_names_of_python_are_told_from_others(statement: str, calls: list[str]) -> None:
    text = f"static int __pyx_f_1a_b(int x) {{\n  {statement}\n}}\nPyList_New();\n"
    (body,) = GeneratedC(text).find("a", "b")
    assert python_calls(body) == calls
