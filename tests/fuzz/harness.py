"""Builds the decoders and the matching core for libFuzzer with Address- and
UndefinedBehaviorSanitizer and runs them.

The same generated C as in the extension modules, with the same directives, is compiled by clang
into modules of its own under build/fuzz, and an executable imports them. Only what has changed is
compiled again.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
BUILD = ROOT / "build" / "fuzz"

TARGETS = {
    "soupbin": 256,  # the longest input
    "ouch50_inbound": 256,
    "ouch50_outbound": 256,
    "ouch50_appendage": 160,
    "itch50": 64,
    "itch_file": 512,
    "moldudp64": 512,
    "record": 1400,
    "book_records": 1280,
    "book_commands": 512,
}
BOOK = [target for target in TARGETS if target.startswith("book_")]
DECODERS = [target for target in TARGETS if target not in BOOK]
# What the targets are made of, besides what they cimport of the data plane; each after what it
# cimports itself.
PARTS = ["fuzz_ledger", "fuzz_definitions", "fuzz_commands", "fuzz_book"]
# Heap blocks of exactly their size instead of mapped pages, so that one byte more is seen.
DOUBLES = {"ironcore.base.memory": ROOT / "tests" / "doubles" / "heap_memory.pyx"}

DIRECTIVES = [
    "language_level=3", "boundscheck=False", "wraparound=False", "initializedcheck=False",
    "cdivision=True",
]  # fmt: skip
CLANG = [*(["ccache"] if shutil.which("ccache") else []), "clang"]
SANITIZE = ["-fsanitize=address,undefined"]
COMPILE = [
    *CLANG, "-c", "-O1", "-gline-tables-only", "-fPIC", "-std=gnu11", "-fno-omit-frame-pointer",
    *SANITIZE, "-fno-sanitize-recover=undefined", "-fsanitize=fuzzer-no-link",
    f"-fsanitize-ignorelist={HERE / 'sanitizer_ignorelist.txt'}",
    f"-fsanitize-coverage-allowlist={HERE / 'coverage_allowlist.txt'}",
    f"-fsanitize-coverage-ignorelist={HERE / 'coverage_ignorelist.txt'}",
    f"-I{sysconfig.get_path('include')}", f"-I{ROOT / 'pyx/ironcore/include'}",
]  # fmt: skip


# The core's inputs are numbers near others, not magic words, and millions of executions are wanted:
# without these two, a third of the time remains.
BOOK_COMPILE = ["-fno-sanitize-coverage=trace-cmp"]
BOOK_RUN = ["-entropic=0"]


class FuzzError(RuntimeError):
    """A build or a run could not be done; the message is its output."""


class FindingError(FuzzError):
    """The fuzzer found something; the message is its report."""


@dataclass(frozen=True)
class Result:
    executions: int
    seconds: int
    coverage: int  # edges
    output: str


def call(command: list[str | Path], failure: type[FuzzError] = FuzzError, **more: object) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        **more,  # type: ignore[call-overload]
    )  # fmt: skip
    if done.returncode:
        raise failure(f"{' '.join(str(part) for part in command)}\n{done.stdout}")
    return str(done.stdout)


def unavailable() -> str:
    """Why this machine cannot fuzz, or nothing."""
    if shutil.which("clang") is None:
        return "needs the command clang"
    library = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("LDLIBRARY")
    if not library.exists():
        return f"needs Python's own library, {library}"
    if importlib.util.find_spec("Cython") is None:
        return "needs Cython"
    probe = "int LLVMFuzzerTestOneInput(void) { return 0; }"
    done = subprocess.run(
        ["clang", "-fsanitize=fuzzer,address", "-x", "c", "-", "-o", os.devnull],
        input=probe, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else "needs clang's fuzzer and sanitizer libraries"


def digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256(" ".join([*COMPILE, *BOOK_COMPILE]).encode())
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def contract(module: str, pyx: Path) -> Path:
    """Where a module's .pxd is, if it has one."""
    if module.startswith("ironcore."):
        return pyx / (module.replace(".", "/") + ".pxd")
    return HERE / f"{module}.pxd"


def cimported(sources: Iterable[Path], pyx: Path) -> dict[str, Path]:
    """Every .pxd, by module, that the sources cimport, directly or through others."""
    found: dict[str, Path] = {}
    unread = list(sources)
    while unread:
        text = unread.pop().read_text()
        for module in re.findall(r"^from ([\w.]+) cimport", text, re.MULTILINE):
            header = contract(module, pyx)
            if module not in found and header.exists():
                found[module] = header
                unread.append(header)
    return found


def needed_modules(pyx: Path) -> dict[str, Path]:
    """Sources of the compiled modules that the targets call, directly or through others."""
    found: dict[str, Path] = {}
    unread = [HERE / f"{part}.pyx" for part in [*PARTS, "fuzz_targets"]]
    while unread:
        for module, header in cimported([unread.pop()], pyx).items():
            source = DOUBLES.get(module, header.with_suffix(".pyx"))
            if module.startswith("ironcore.") and module not in found and source.exists():
                found[module] = source
                unread.append(source)
    return found


def compile_cython(source: Path, pyx: Path, module: str, out: Path) -> Path:
    """The object of one Cython source: as it was, where it is newer than all that went into it."""
    generated = out / f"{module}.c"
    made = out / f"{module}.o"
    stamp = out / f"{module}.stamp"
    own = contract(module, pyx)
    sources = [source, own] if own.exists() else [source]
    headers = cimported(sources, pyx)
    wanted = digest([*sources, *(headers[name] for name in sorted(headers)),
                     *sorted(pyx.rglob("*.h"))])  # fmt: skip
    if made.exists() and stamp.exists() and stamp.read_text() == wanted:
        return made
    stamp.unlink(missing_ok=True)
    flags = [word for directive in DIRECTIVES for word in ("-X", directive)]
    call([sys.executable, "-m", "cython", "-3", "-I", pyx, "-I", HERE, *flags,
          "--module-name", module, "-o", generated, source])  # fmt: skip
    is_book = module.startswith(("ironcore.book.", "ironcore.engine.")) or module in PARTS
    call([*COMPILE, *(BOOK_COMPILE if is_book else []), generated, "-o", made])
    stamp.write_text(wanted)
    return made


def compile_module(source: Path, pyx: Path, module: str, out: Path) -> None:
    """A module that the executable imports, in its place under `out`/package."""
    made = compile_cython(source, pyx, module, out)
    shared = out / "package" / (module.replace(".", "/") + ".so")
    shared.parent.mkdir(parents=True, exist_ok=True)
    for directory in shared.relative_to(out / "package").parents:
        if directory.name:
            (out / "package" / directory / "__init__.py").touch()
    if not shared.exists() or shared.stat().st_mtime_ns < made.stat().st_mtime_ns:
        call(["clang", *SANITIZE, "-shared", made, "-o", shared])


def build(pyx: Path = ROOT / "pyx", out: Path = BUILD) -> Path:
    """Compile what the targets need of `pyx` into `out`; the executable."""
    out.mkdir(parents=True, exist_ok=True)
    # Two test files may want the same build at the same time.
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build_alone(pyx, out)


def build_alone(pyx: Path, out: Path) -> Path:
    modules = needed_modules(pyx)
    for source in sorted((pyx / "ironcore" / "wire").glob("*.pyx")):
        modules[f"ironcore.wire.{source.stem}"] = source
    for module, source in sorted(modules.items()):
        compile_module(source, pyx, module, out)
    for part in PARTS:
        compile_module(HERE / f"{part}.pyx", pyx, part, out)
    targets = compile_cython(HERE / "fuzz_targets.pyx", pyx, "fuzz_targets", out)
    executable = out / "fuzz"
    if executable.exists() and executable.stat().st_mtime_ns > max(
        made.stat().st_mtime_ns for made in (targets, HERE / "fuzz_main.c")
    ):
        return executable
    main = out / "fuzz_main.o"
    call([*COMPILE, HERE / "fuzz_main.c", "-o", main])
    libraries = sysconfig.get_config_var("LIBDIR")
    call(["clang", *SANITIZE, "-fsanitize=fuzzer", main, targets, "-o", executable, "-rdynamic",
          f"-L{libraries}", f"-Wl,-rpath,{libraries}",
          f"-lpython{sysconfig.get_config_var('LDVERSION')}", "-ldl", "-lm"])  # fmt: skip
    return executable


def read_corpus(target: str) -> list[bytes]:
    """One file a target: each input behind its length in two bytes."""
    path = CORPUS / f"{target}.bin"
    data = path.read_bytes() if path.exists() else b""
    found = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def write_corpus(target: str, inputs: list[bytes]) -> None:
    CORPUS.mkdir(exist_ok=True)
    ordered = sorted(inputs, key=lambda one: (len(one), one))
    data = b"".join(len(one).to_bytes(2, "big") + one for one in ordered)
    (CORPUS / f"{target}.bin").write_bytes(data)


def environment(target: str, package: Path) -> dict[str, str]:
    return os.environ | {
        "IRONPIT_FUZZ_TARGET": str(list(TARGETS).index(target)),
        "PYTHONHOME": sys.base_prefix,
        # The environment's own packages, which another Python's folders would not have.
        "PYTHONPATH": os.pathsep.join([str(package), sysconfig.get_path("platlib")]),
        # Python keeps what it allocated at start; a leak in the codecs is impossible, they have
        # no allocation.
        # A small quarantine keeps the heap in the caches.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=2"
        ":thread_local_quarantine_size_kb=64",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }


def unpack(directory: Path, inputs: list[bytes]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for one in inputs:
        (directory / hashlib.sha1(one, usedforsecurity=False).hexdigest()).write_bytes(one)
    return directory


def run(
    executable: Path, target: str, executions: int, *, seed: int = 0, corpus: Path | None = None
) -> Result:
    """Fuzz one target from the kept corpus; FindingError when it finds something. What reaches
    further stays in `corpus`."""
    directory = corpus or executable.parent / "corpus" / target
    unpack(directory, read_corpus(target))
    output = call(
        [executable, directory, f"-runs={executions}", f"-seed={seed}",
         f"-max_len={TARGETS[target]}", "-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1",
         f"-artifact_prefix={executable.parent}/{target}-",
         *(BOOK_RUN if target in BOOK else [])],
        FindingError,
        env=environment(target, executable.parent / "package"),
    )  # fmt: skip
    done = re.search(r"^Done (\d+) runs in (\d+) second", output, re.MULTILINE)
    covered = re.findall(r"\bcov: (\d+)", output)
    if done is None or not covered:
        raise FuzzError(output)
    return Result(int(done[1]), int(done[2]), int(covered[-1]), output)


def run_input(executable: Path, target: str, path: Path) -> None:
    """Run one input alone; FindingError when it finds something."""
    call([executable, path], FindingError, env=environment(target, executable.parent / "package"))


def merge(executable: Path, target: str) -> int:
    """Keep of all inputs found so far those that together reach every edge; how many."""
    found = executable.parent / "corpus" / target
    kept = executable.parent / "merged" / target
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    call(
        [
            executable,
            "-merge=1",
            f"-max_len={TARGETS[target]}",
            # How often an edge is taken would keep a hundred times as much.
            *(["-use_counters=0"] if target in BOOK else []),
            kept,
            found,
        ],
        env=environment(target, executable.parent / "package"),
    )
    inputs = [path.read_bytes() for path in kept.iterdir()]
    write_corpus(target, inputs)
    return len(inputs)
