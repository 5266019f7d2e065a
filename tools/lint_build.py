"""Fails on any word from the compilers: Cython's warnings and performance hints, the C compiler's.

Translates and compiles each module by itself, apart from the build proper, into build/lint, and
remembers there which ones passed: by a digest of the module, of everything that it cimports or
includes, of the compilers and of their flags. What passed and did not change is not done again.
"""

import hashlib
import os
import shlex
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
SCRATCH = ROOT / "build" / "lint"
CYTHON = [sys.executable, "-m", "cython", "-3", "-I", "pyx"]
DIRECTIVES = {  # of a release build, and what makes Cython talk
    "wraparound": False,
    "boundscheck": False,
    "initializedcheck": False,
    "cdivision": True,
    "show_performance_hints": True,
    "warn.unreachable": True,
}
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
    return SCRATCH / source.relative_to("pyx").with_suffix(".c")


def translate(source: Path) -> str:
    target = c_path(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    options = [part for name, value in DIRECTIVES.items() for part in ("-X", f"{name}={value}")]
    return run([*CYTHON, *options, str(source), "-o", str(target)])


def compile_c(source: Path) -> str:
    target = c_path(source)
    return run([*COMPILE, str(target), "-o", str(target.with_suffix(".o"))])


def digests(sources: list[Path]) -> dict[Path, str]:
    """Of each module: everything that its translation and compilation depend on."""
    options = CompilationOptions(default_options, include_path=["pyx"], language_level=3)
    tree = create_dependency_tree(Context.from_options(options), quiet=True)
    version = [*shlex.split(os.environ.get("CC", "cc")), "--version"]
    compiler = subprocess.run(version, capture_output=True, text=True, check=True).stdout
    settings = repr((Cython.__version__, compiler, CYTHON, DIRECTIVES, COMPILE))
    headers = sorted(str(path) for path in (ROOT / "pyx/ironcore/include").glob("*.h"))
    found = {}
    for source in sources:
        digest = hashlib.sha256(settings.encode())
        for path in sorted(tree.all_dependencies(str(source))) + headers:
            digest.update(Path(path).read_bytes())
        found[source] = digest.hexdigest()
    return found


def do_stale(
    wanted: dict[Path, str], stamp: str, step: Callable[[Path], str], jobs: int
) -> dict[Path, str]:
    """Run the step on modules whose stamp is not the wanted digest; what it said of each."""
    stamps = {source: c_path(source).with_suffix(stamp) for source in wanted}
    stale = [
        source
        for source, digest in wanted.items()
        if not stamps[source].exists() or stamps[source].read_text() != digest
    ]
    with ThreadPoolExecutor(jobs) as pool:
        said = dict(zip(stale, pool.map(step, stale), strict=True))
    for source, words in said.items():
        if not words:
            stamps[source].write_text(wanted[source])
    return {source: words for source, words in said.items() if words}


def translate_stale() -> tuple[dict[Path, str], dict[Path, str]]:
    """Bring all generated C up to date; the digests, and what Cython said of each module."""
    os.chdir(ROOT)
    wanted = digests(sorted(Path("pyx").rglob("*.pyx")))
    return wanted, do_stale(wanted, ".translated", translate, jobs())


def jobs() -> int:
    return int(os.environ.get("IRONPIT_JOBS") or len(os.sched_getaffinity(0)))


def main() -> int:
    wanted, said = translate_stale()
    rest = {source: digest for source, digest in wanted.items() if source not in said}
    said |= do_stale(rest, ".compiled", compile_c, jobs())
    for source, words in said.items():
        print(f"{source}:\n{words}")
    print(f"lint build: {len(wanted)} modules, {len(said)} with warnings")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
