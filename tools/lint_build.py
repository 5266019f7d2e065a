"""Fails on any word from the compilers: Cython's warnings and performance hints, the C compiler's.

Translates and compiles each module by itself, apart from the build proper, and remembers under
build/lint which ones passed, by a digest of the module, of everything that it cimports or includes,
of the compilers and of their flags. A module that passed and did not change is not compiled again.
"""

import hashlib
import os
import shlex
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import Cython
from Cython.Build.Dependencies import create_dependency_tree
from Cython.Compiler.Main import CompilationOptions, Context, default_options

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = Path("build/lint")
CYTHON = [sys.executable, "-m", "cython", "-3", "-I", "pyx"]
DIRECTIVES = {
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


def complaints(source: Path) -> str:
    """Translate and compile one module; everything that was said about it."""
    target = SCRATCH / source.relative_to("pyx").with_suffix(".c")
    (ROOT / target).parent.mkdir(parents=True, exist_ok=True)
    options = [part for name, value in DIRECTIVES.items() for part in ("-X", f"{name}={value}")]
    said = run([*CYTHON, *options, str(source), "-o", str(target)])
    if not said:
        said = run([*COMPILE, str(target), "-o", str(target.with_suffix(".o"))])
    return said


def digests(sources: list[Path]) -> dict[Path, str]:
    """Of each module: everything that its translation and compilation depend on."""
    options = CompilationOptions(default_options, include_path=["pyx"], language_level=3)
    tree = create_dependency_tree(Context.from_options(options), quiet=True)
    version = [*shlex.split(os.environ.get("CC", "cc")), "--version"]
    compiler = subprocess.run(version, capture_output=True, text=True, check=True).stdout
    settings = repr((Cython.__version__, compiler, CYTHON, DIRECTIVES, COMPILE))
    headers = sorted(str(path) for path in Path("pyx/ironcore/include").glob("*.h"))
    found = {}
    for source in sources:
        digest = hashlib.sha256(settings.encode())
        for path in sorted(tree.all_dependencies(str(source))) + headers:
            digest.update(Path(path).read_bytes())
        found[source] = digest.hexdigest()
    return found


def main() -> int:
    os.chdir(ROOT)
    sources = sorted(Path("pyx").rglob("*.pyx"))
    wanted = {}
    for source, digest in digests(sources).items():
        passed = SCRATCH / source.relative_to("pyx").with_suffix(".passed")
        if not passed.exists() or passed.read_text() != digest:
            wanted[source] = (passed, digest)
    jobs = int(os.environ.get("IRONPIT_JOBS") or len(os.sched_getaffinity(0)))
    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        for source, said in zip(wanted, pool.map(complaints, wanted), strict=True):
            passed, digest = wanted[source]
            if said:
                failed += 1
                print(f"{source}:\n{said}")
            else:
                passed.write_text(digest)
    kept = len(sources) - len(wanted)
    print(f"lint build: {len(sources)} modules, {kept} unchanged, {failed} with warnings")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
