"""Goal: imports point down the layers, as docs/ARCHITECTURE.md draws them.

Method: read every import and cimport line. A synthetic tree shows that each kind of forbidden arrow
is found, and that none of the allowed ones is.
"""

from pathlib import Path

import pytest
from tests.tidy.layers import cython_imports, violations

ROOT = Path(__file__).resolve().parents[2]


def test_no_import_points_up() -> None:
    assert violations(ROOT) == []


def test_the_imports_of_the_tree_are_read() -> None:
    text = (ROOT / "pyx/ironcore/base/counters.pyx").read_text()
    targets = {found.target for found in cython_imports(text, "ironcore.base")}
    assert {"mmap", "ironcore.base.atomics.store_release_u64", "libc.string.memcpy"} <= targets


FORBIDDEN = [
    ("pyx/ironcore/base/a.pxd", "from ironcore.wire.record cimport Event", "points up"),
    ("pyx/ironcore/wire/a.pyx", "cimport ironcore.engine.engine as engine", "points up"),
    ("pyx/ironcore/ring/a.pyx", "from ironcore cimport stage", "points up"),
    ("pyx/ironcore/ring/a.pyx", "from ironcore.wire.record cimport Event", "one layer (L1)"),
    ("pyx/ironcore/risk/a.pyx", "from ironcore.book cimport engine", "one layer (L2)"),
    ("pyx/ironcore/ring/a.pyx", "from ..wire.record cimport Event", "one layer (L1)"),
    ("pyx/ironcore/book/a.pyx", "    from ironcore.stage.agent cimport (\n  Agent)", "points up"),
    ("pyx/ironcore/book/a.pyx", "from ironcore.base.clock cimport Clock", "pure"),
    ("pyx/ironcore/wire/a.pyx", "import os, zlib", "pure"),
    ("pyx/ironcore/stage/a.pyx", "from ironpit.config import Venue", "neither ironpit"),
    ("pyx/ironcore/stage/a.py", "from host_tuning import cli", "neither ironpit"),
    ("pyx/ironcore/stage/matcher.pyx", "from ironcore.stage.journal cimport x", "only at rings"),
    ("pyx/ironcore/stage/gateway_login.pyx", "from .matcher cimport x", "only at rings"),
    ("python/ironpit/cli/a.py", "def f():\n    import ironcore.ring.spsc", "reaches only"),
    ("python/ironpit/a.py", "from ironcore.base import clock", "reaches only"),
    ("python/ironpit/a.py", "from ironcore import base", "reaches only"),
    ("python/ironpit/a.py", "import host_tuning.cli", "does not import host_tuning"),
    ("host-tuning/host_tuning/a.py", "from ironpit.config import Venue", "neither ironcore"),
    ("host-tuning/host_tuning/a.py", "import ironcore", "neither ironcore"),
]


@pytest.mark.parametrize(("path", "line", "why"), FORBIDDEN)
def test_a_forbidden_import_is_found(tmp_path: Path, path: str, line: str, why: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f'"""Import that nothing: import ironcore.runtime."""\n{line}\n')
    (found,) = violations(tmp_path)
    assert found.startswith(f"{path}:")
    assert why in found


ALLOWED = [
    ("pyx/ironcore/base/a.pyx", "from ironcore.base.atomics cimport load_acquire_u64"),
    ("pyx/ironcore/base/a.pyx", "import os  # ironcore.runtime"),
    ("pyx/ironcore/ring/a.pxd", "from ironcore.base.status cimport (STATUS_OK,\n  STATUS_FULL)"),
    ("pyx/ironcore/book/a.pyx", "from ironcore.book.limits cimport Limits"),
    ("pyx/ironcore/stream/journal_reader.pyx", "from ironcore.stream.journal_format cimport x"),
    ("pyx/ironcore/stage/matcher.pyx", "from ironcore.stage.agent cimport Agent"),
    ("pyx/ironcore/runtime/a.pyx", "from ironcore.stage.matcher cimport x"),
    ("python/ironpit/a.py", "from ironcore.base.counters import CountersReader"),
    ("python/ironpit/a.py", "from ironcore.base import histogram"),
    ("python/ironpit/a.py", "from ironcore.wire.soupbin import decode"),
    ("python/ironpit/cli/a.py", "from ..config import Venue"),
    ("host-tuning/host_tuning/a.py", "from host_tuning import cli"),
]


@pytest.mark.parametrize(("path", "line"), ALLOWED)
def test_an_allowed_import_is_not_reported(tmp_path: Path, path: str, line: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f"{line}\n")
    assert violations(tmp_path) == []
