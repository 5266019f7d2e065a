"""Files that readers find whole, the old one or the new one."""

import json
import os
from pathlib import Path
from typing import Any


def replace_json(path: Path, value: dict[str, Any]) -> None:
    """Replace the file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)
