"""What every test may use: the package in child processes."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Child processes find the package where pytest's own `pythonpath` found it.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [
        *(str(ROOT / part) for part in ("python", "pyx", "host-tuning")),
        *os.environ.get("PYTHONPATH", "").split(os.pathsep),
    ]
).rstrip(os.pathsep)
