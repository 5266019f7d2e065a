"""Fails on any word from the compilers: Cython's warnings and performance hints, the C compiler's.

Translates and compiles each module by itself, apart from the build proper, into build/lint, and
remembers there which ones passed: by a digest of the module, of everything that it cimports or
includes, of the compilers and of their flags. What passed and did not change is not done again.

Where nothing is built yet, nothing is done twice: the build gets its C from here, and it is the
build's own compilation that must not say a word.
"""

import hashlib
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import Cython
from Cython.Build.Dependencies import create_dependency_tree
from Cython.Compiler.Main import CompilationOptions, Context, default_options

ROOT = Path(__file__).resolve().parent.parent
RELEASE = runpy.run_path(str(ROOT / "setup.py"))
SCRATCH = ROOT / "build" / "lint"
BUILD = ROOT / "build" / "cython-release"
IS_FIRST = not (ROOT / "build" / "mode.stamp").exists() and RELEASE["MODE"] == "release"
CYTHON = ["-m", "cython", "-3", "-I", "pyx"]
# What makes Cython talk leaves the C as it is.
DIRECTIVES = {**RELEASE["DIRECTIVES"], "show_performance_hints": True, "warn.unreachable": True}
COMPILE = [
    *shlex.split(os.environ.get("CC", "cc")),
    "-c", "-O2", "-fPIC", "-std=gnu11", "-Wall", "-Wextra",
    "-Wno-unused-function", "-Wno-unused-parameter",
    "-Ipyx/ironcore/include", f"-I{sysconfig.get_path('include')}",
]  # fmt: skip


def run(command: list[str]) -> str:
    """What the command said on standard error; its status, if that is all that it left."""
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0 and not ended.stderr:
        return f"{shlex.join(command)}: exit status {ended.returncode}"
    return ended.stderr


def c_path(source: Path) -> Path:
    return SCRATCH / source.with_suffix(".c")


def translate(source: Path) -> str:
    target = c_path(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    options = [part for name, value in DIRECTIVES.items() for part in ("-X", f"{name}={value}")]
    said = run([sys.executable, *CYTHON, *options, str(source), "-o", str(target)])
    if IS_FIRST and not said:
        for_build = BUILD / source.with_suffix(".c")
        for_build.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, for_build)
    return said


def compile_c(source: Path) -> str:
    target = c_path(source)
    return run([*COMPILE, str(target), "-o", str(target.with_suffix(".o"))])


def dependencies() -> dict[Path, list[Path]]:
    """By module: itself and everything that it cimports or includes."""
    os.chdir(ROOT)
    options = CompilationOptions(default_options, include_path=["pyx"], language_level=3)
    tree = create_dependency_tree(Context.from_options(options), quiet=True)
    return {
        source: sorted(Path(path) for path in tree.all_dependencies(str(source)))
        for root in ("pyx", "host-tuning")
        for source in sorted(Path(root).rglob("*.pyx"))
    }


def digest(settings: object, paths: list[Path]) -> str:
    found = hashlib.sha256(repr(settings).encode())
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def do_stale(wanted: dict[Path, str], stamp: str, step: Callable[[Path], str]) -> dict[Path, str]:
    """Run the step on modules whose stamp is not the wanted digest; what it said of each."""
    stamps = {source: c_path(source).with_suffix(stamp) for source in wanted}
    stale = [
        source
        for source, text in wanted.items()
        if not stamps[source].exists() or stamps[source].read_text() != text
    ]
    jobs = int(os.environ.get("IRONPIT_JOBS") or len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(jobs) as pool:
        said = dict(zip(stale, pool.map(step, stale), strict=True))
    for source, words in said.items():
        if not words:
            stamps[source].write_text(wanted[source])
    return {source: words for source, words in said.items() if words}


def build_first(wanted: dict[Path, str]) -> dict[Path, str]:
    """Build the tree, and give the build's words to the modules whose C they name."""
    words = run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"])
    said: dict[Path, str] = {}
    for line in words.splitlines():
        named = (source for source in wanted if str(source.with_suffix(".c")) in line)
        source = next(named, Path("build"))
        said[source] = f"{said.get(source, '')}{line}\n"
    for source in wanted:
        if not said:
            c_path(source).with_suffix(".compiled").write_text(wanted[source])
    return said


def main() -> int:
    modules = dependencies()
    if IS_FIRST:
        BUILD.mkdir(parents=True, exist_ok=True)
        RELEASE["write_stamps"](BUILD)
    translation = (Cython.__version__, CYTHON, DIRECTIVES)
    wanted = {source: digest(translation, paths) for source, paths in modules.items()}
    said = do_stale(wanted, ".translated", translate)

    version = [*shlex.split(os.environ.get("CC", "cc")), "--version"]
    compiler = subprocess.run(version, capture_output=True, text=True, check=True).stdout
    headers = sorted((ROOT / "pyx/ironcore/include").glob("*.h"))
    compilation = (compiler, COMPILE, [path.read_text() for path in headers])
    wanted = {
        source: digest((compilation, translated), [])
        for source, translated in wanted.items()
        if source not in said
    }
    said |= build_first(wanted) if IS_FIRST else do_stale(wanted, ".compiled", compile_c)
    for source, words in said.items():
        print(f"{source}:\n{words}")
    print(f"lint build: {len(modules)} modules, {len(said)} with warnings")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
