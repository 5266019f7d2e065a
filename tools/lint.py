"""Runs every linter, says at the end which of them complained, and fails if any did."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPED = ["python", "host-tuning", "pyx", "tests", "tools"]
LINTERS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", "--strict", *TYPED],
    "cython-lint": ["cython_lint.cython_lint", "pyx", "host-tuning"],
    "compilers": ["tools/lint_build.py"],
}


def main() -> int:
    # cython-lint runs pycodestyle by its name.
    os.environ["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    failed = []
    for name, command in LINTERS.items():
        print(f"== {name}", flush=True)
        module = [] if command[0].endswith(".py") else ["-m"]
        if subprocess.run([sys.executable, *module, *command], cwd=ROOT, check=False).returncode:
            failed.append(name)
    print(f"lint: {', '.join(failed)} failed" if failed else "lint: clean")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
