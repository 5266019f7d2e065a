"""What a compiler needs to build a native program around the core: docs/EMBEDDING.md.

    cc program.c $(python3 -m ironpit.library.embedding) -o program

`--cflags` and `--ldflags` print one half of it each.
"""

import shlex
import sys
import sysconfig
from importlib.resources import files
from pathlib import Path


def include_directory() -> Path:
    """The directory of ironpit_core.h."""
    return Path(str(files("ironcore") / "include"))


def cflags() -> list[str]:
    """Where the headers of Python and of the core are."""
    python = sysconfig.get_paths()["include"]
    return [f"-I{include_directory()}", f"-I{python}"]


def ldflags() -> list[str]:
    """Python itself, with its symbols visible to the modules that it loads."""
    variables = sysconfig.get_config_vars()
    directory = variables.get("LIBDIR") or "/usr/lib"
    version = variables.get("LDVERSION") or sysconfig.get_python_version()
    words = [variables.get(name) or "" for name in ("LINKFORSHARED", "LIBS", "SYSLIBS")]
    return [
        f"-L{directory}",
        f"-Wl,-rpath,{directory}",
        f"-lpython{version}",
        *shlex.split(" ".join(words)),
    ]


def main(arguments: list[str]) -> int:
    known = {"--cflags": cflags, "--ldflags": ldflags}
    unknown = [argument for argument in arguments if argument not in known]
    if unknown:
        print(f"found {unknown[0]!r}, expected --cflags, --ldflags or nothing", file=sys.stderr)
        return 2
    wanted = arguments or list(known)
    print(shlex.join(word for name in wanted for word in known[name]()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
