"""Makes the virtual environment that make works in: dependencies, import roots and commands.

Run by the environment's own Python, with the groups to install: run, or an extra of pyproject.toml.
The package itself is not installed: a .pth file names its source roots, where `make build` puts the
compiled modules, and bin/ gets the console scripts. An editable install would need a finder of its
own for three roots, which type checkers and child processes do not share.
"""

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """\
#!{python}
import sys

from {module} import {function}

sys.exit({function}())
"""


def main(groups: list[str]) -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for group in groups:
        if group != "run":
            wanted += project["project"]["optional-dependencies"][group]
    print(f"setting up {sys.prefix} ({', '.join(groups)})", flush=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    status = subprocess.run([*pip, "install", "-q", *wanted], check=False).returncode
    if status != 0:
        return status

    roots = project["tool"]["setuptools"]["packages"]["find"]["where"]
    libraries = Path(sysconfig.get_path("purelib"))
    (libraries / "ironpit-source.pth").write_text("".join(f"{ROOT / root}\n" for root in roots))
    for name, target in project["project"]["scripts"].items():
        module, _, function = target.partition(":")
        script = Path(sysconfig.get_path("scripts")) / name
        script.write_text(SCRIPT.format(python=sys.executable, module=module, function=function))
        script.chmod(0o755)
    for group in groups:
        (Path(sys.prefix) / f".ready-{group}").touch()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or ["run"]))
