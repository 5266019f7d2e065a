"""Builds the compiled data plane.

IRONPIT_BUILD     release (default), debug (asserts, bounds checks, -O1) or coverage (line tracing)
IRONPIT_MARCH     as in gcc -march=...; `native` builds for the host that will run it
IRONPIT_SANITIZE  as in gcc -fsanitize=...; run it with the sanitizer's library preloaded
IRONPIT_JOBS      compilers at once; as many as this process has cores if it is not given

What all of this comes to is written to a stamp, which is among every extension's dependencies: a
build never mixes objects of two settings. A module whose .pyx is gone loses its .so with it.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import Cython
from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
MODES = ("release", "debug", "coverage")
MODE = os.environ.get("IRONPIT_BUILD") or "release"
MARCH = os.environ.get("IRONPIT_MARCH", "")
SANITIZE = os.environ.get("IRONPIT_SANITIZE", "")
JOBS = int(os.environ.get("IRONPIT_JOBS") or len(os.sched_getaffinity(0)))

WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter"]
COMPILE_ARGS = {
    "release": ["-O3", "-g1", "-fno-plt"],
    "debug": ["-O1", "-g", "-UNDEBUG", "-fno-omit-frame-pointer"],
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


def sources() -> list[tuple[Path, Path]]:
    """Every .pyx with the root that its module's name begins at."""
    roots = (ROOT / "pyx", ROOT / "host-tuning")
    return [(root, source) for root in roots for source in sorted(root.rglob("*.pyx"))]


def compile_args() -> list[str]:
    args = [*WARNINGS, *COMPILE_ARGS[MODE], "-std=gnu11"]
    if MARCH:
        args.append(f"-march={MARCH}")
    if SANITIZE:
        args += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    return args


def write_if_changed(path: Path, text: str) -> bool:
    """Write only what is new: a stamp's time is what makes objects stale."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return True


def write_stamps(c_directory: Path) -> str:
    """The object stamp's path; C that other directives or another Cython made is removed."""
    generator = json.dumps([Cython.__version__, DIRECTIVES], sort_keys=True)
    if write_if_changed(c_directory / "generator.stamp", generator):
        for child in c_directory.iterdir():
            if child.is_dir():
                shutil.rmtree(child)
    environment = {name: os.environ.get(name, "") for name in ("CC", "CFLAGS", "LDFLAGS")}
    environment["CC"] = environment["CC"].removeprefix("ccache ")
    stamp = ROOT / "build" / "mode.stamp"
    settings = {"args": compile_args(), "macros": MACROS[MODE], "environment": environment}
    write_if_changed(stamp, json.dumps([settings, generator], sort_keys=True))
    return str(stamp.relative_to(ROOT))


def remove_orphans() -> None:
    """Delete modules that no source stands behind: Python would go on importing them."""
    modules = {source.relative_to(root).with_suffix("") for root, source in sources()}
    for tree in (ROOT / "pyx", ROOT / "host-tuning", *(ROOT / "build").glob("lib.*")):
        for module in tree.rglob("*.so"):
            if module.relative_to(tree).with_name(module.name.partition(".")[0]) not in modules:
                print(f"removing {module.relative_to(ROOT)}: its source is gone")
                module.unlink()


def link_c_beside_sources(c_directory: Path) -> None:
    """Cython's coverage plugin looks for a module's C in the module's own folder."""
    for generated in c_directory.rglob("*.c"):
        link = ROOT / generated.relative_to(c_directory)
        link.unlink(missing_ok=True)
        link.symlink_to(generated)


def extensions(stamp: str) -> list[Extension]:
    include = ROOT / "pyx/ironcore/include"
    headers = [str(path.relative_to(ROOT)) for path in sorted(include.glob("*.h"))]
    found = []
    for root, source in sources():
        module = ".".join(source.relative_to(root).with_suffix("").parts)
        found.append(
            Extension(
                module,
                [str(source.relative_to(ROOT))],
                include_dirs=["pyx/ironcore/include"],
                define_macros=MACROS[MODE],
                extra_compile_args=compile_args(),
                extra_link_args=[f"-fsanitize={SANITIZE}"] if SANITIZE else [],
                depends=[stamp, *headers],
            )
        )
    return found


def main() -> None:
    if MODE not in MODES:
        raise SystemExit(f"IRONPIT_BUILD: found {MODE!r}, expected one of {', '.join(MODES)}")
    c_directory = ROOT / "build" / f"cython-{MODE}"
    building = any(command.startswith(("build", "bdist", "develop")) for command in sys.argv[1:])
    modules: list[Extension] = []
    if building:
        remove_orphans()
        modules = cythonize(
            extensions(write_stamps(c_directory)),
            include_path=["pyx"],
            build_dir=str(c_directory.relative_to(ROOT)),
            compiler_directives=DIRECTIVES,
            annotate=bool(os.environ.get("IRONPIT_ANNOTATE")),
            nthreads=JOBS if JOBS > 1 else 0,
        )
        if MODE == "coverage":
            link_c_beside_sources(c_directory)
    setup(ext_modules=modules, options={"build_ext": {"parallel": JOBS}})


if __name__ == "__main__":
    main()
