"""Builds the compiled data plane.

IRONPIT_BUILD selects release (default), debug (asserts, bounds checks, -O1 -g) or coverage
(Cython line tracing). IRONPIT_MARCH=native builds for the host that will run it. A stamp of both
is among every extension's dependencies, so that switching never leaves a stale object behind.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
MODES = ("release", "debug", "coverage")
MODE = os.environ.get("IRONPIT_BUILD", "release")
MARCH = os.environ.get("IRONPIT_MARCH", "")
SANITIZE = os.environ.get("IRONPIT_SANITIZE", "")

WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter"]
COMPILE_ARGS = {
    "release": ["-O3", "-g1", "-fno-plt"],
    "debug": ["-O1", "-g", "-fno-omit-frame-pointer"],
    "coverage": ["-O0", "-g"],
}
MACROS: dict[str, list[tuple[str, str | None]]] = {
    "release": [],
    "debug": [("IRON_DEBUG", "1")],
    "coverage": [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")],
}
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": MODE == "debug",
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
    "linetrace": MODE == "coverage",
}


def write_stamp() -> str:
    """Write the mode stamp only when it changes; its time is what makes objects stale."""
    stamp = ROOT / "build" / "mode.stamp"
    text = f"{MODE} {MARCH} {SANITIZE}\n"
    stamp.parent.mkdir(exist_ok=True)
    if not stamp.exists() or stamp.read_text() != text:
        stamp.write_text(text)
    return str(stamp.relative_to(ROOT))


def extensions() -> list[Extension]:
    include = ROOT / "pyx/ironcore/include"
    headers = [str(path.relative_to(ROOT)) for path in sorted(include.glob("*.h"))]
    depends = [write_stamp(), *headers]
    compile_args = [*WARNINGS, *COMPILE_ARGS[MODE], "-std=gnu11"]
    link_args: list[str] = []
    if MARCH:
        compile_args.append(f"-march={MARCH}")
    if SANITIZE:
        compile_args.append(f"-fsanitize={SANITIZE}")
        link_args.append(f"-fsanitize={SANITIZE}")
    found = []
    for source in sorted((ROOT / "pyx").rglob("*.pyx")):
        module = ".".join(source.relative_to(ROOT / "pyx").with_suffix("").parts)
        found.append(
            Extension(
                module,
                [str(source.relative_to(ROOT))],
                include_dirs=["pyx/ironcore/include"],
                define_macros=MACROS[MODE],
                extra_compile_args=compile_args,
                extra_link_args=link_args,
                depends=depends,
            )
        )
    return found


if MODE not in MODES:
    raise SystemExit(f"IRONPIT_BUILD: found {MODE!r}, expected one of {', '.join(MODES)}")

setup(
    ext_modules=cythonize(
        extensions(),
        include_path=["pyx"],
        build_dir=f"build/cython-{MODE}",
        compiler_directives=DIRECTIVES,
        annotate=bool(os.environ.get("IRONPIT_ANNOTATE")),
        nthreads=0,
    )
)
