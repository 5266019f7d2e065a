"""Goal: imports point down the floor plan, as docs/ARCHITECTURE.md draws it, and in no circle.

Method: read every import and cimport line. Synthetic trees show that each kind of forbidden arrow
is found, and that none of the allowed ones is.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from tools import rooms
from tools.imports import cython_imports, sources
from tools.layers import arrows, cycles, violations

ROOT = Path(__file__).resolve().parents[2]


def test_no_import_points_up() -> None:
    assert violations(ROOT) == []


def test_no_module_is_in_a_circle() -> None:
    assert list(cycles(arrows(list(sources(ROOT))))) == []


def test_the_rooms_of_the_tree_are_in_order() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.rooms"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "ironcore.engine" in done.stdout


def test_the_imports_of_the_tree_are_read() -> None:
    text = (ROOT / "pyx/ironcore/base/counters.pyx").read_text()
    targets = {found.target for found in cython_imports(text, "ironcore.base")}
    assert {"mmap", "ironcore.base.atomics.store_release_u64", "libc.string.memcpy"} <= targets


FORBIDDEN = [
    ("pyx/ironcore/base/a.pxd", "from ironcore.wire.record cimport Event", "points up"),
    ("pyx/ironcore/wire/a.pyx", "cimport ironcore.engine.state as engine", "points up"),
    ("pyx/ironcore/ring/a.pyx", "from ironcore cimport stage", "points up"),
    ("pyx/ironcore/ring/a.pyx", "from ironcore.wire.record cimport Event", "same layer (L1)"),
    ("pyx/ironcore/book/a.pyx", "from ironcore.engine cimport state", "same layer (L2)"),
    ("pyx/ironcore/ring/a.pyx", "from ..wire.record cimport Event", "same layer (L1)"),
    ("pyx/ironcore/book/a.pyx", "    from ironcore.stage.agent cimport (\n  Agent)", "points up"),
    ("pyx/ironcore/engine/a.pyx", "from ironcore.base.clock cimport Clock", "pure"),
    ("pyx/ironcore/wire/a.pyx", "import os, zlib", "pure"),
    ("pyx/ironcore/stream/a.pyx", "from ironcore.market_data cimport x", "same layer (L3)"),
    ("pyx/ironcore/order_entry/a.pyx", "from ironcore.stage.gateway cimport x", "points up"),
    ("pyx/ironcore/order_entry/a.pyx", "from ironcore.wire.ouch50_inbound cimport x", "no codec"),
    ("pyx/ironcore/order_entry/a.pxd", "from ironcore.wire cimport soupbin", "no codec"),
    ("pyx/ironcore/order_entry/a.pyx", "from ironcore.wire.soupbin import decode", "no codec"),
    ("pyx/ironcore/order_entry/a.pyx", "from .ouch.inbound cimport f", "knows no protocol"),
    ("pyx/ironcore/stage/gateway_duty.pyx", "from ironcore.wire.soupbin cimport x", "no codec"),
    (
        "pyx/ironcore/stage/gateway.pyx",
        "from ironcore.order_entry.ouch.protocol import PROTOCOL",
        "knows no protocol",
    ),
    (
        "pyx/ironcore/order_entry/fix/a.pyx",
        "from ironcore.order_entry.ouch.inbound cimport f",
        "no protocol knows another",
    ),
    ("pyx/ironcore/stage/a.pyx", "from ironpit.config import Venue", "neither ironpit"),
    ("pyx/ironcore/stage/a.py", "from host_tuning import cli", "neither ironpit"),
    ("pyx/ironcore/stage/matcher.pyx", "from ironcore.stage.journal cimport x", "only at rings"),
    ("pyx/ironcore/stage/gateway_login.pyx", "from .matcher cimport x", "only at rings"),
    ("pyx/ironcore/runtime/a.pyx", "from ironcore.bench.match cimport x", "same layer (L5)"),
    ("pyx/ironcore/client/a.pyx", "from ironcore.simulation cimport x", "same layer (L5)"),
    ("python/ironpit/cli/a.py", "def f():\n    import ironcore.ring.spsc", "reaches only"),
    ("python/ironpit/venue/a.py", "from ironcore.base import clock", "reaches only"),
    ("python/ironpit/config/a.py", "from ironcore.base import counters", "reaches only"),
    ("python/ironpit/common/a.py", "from ironpit.config import load", "points up"),
    ("python/ironpit/venue/a.py", "from ironpit.cli import main", "points up"),
    ("python/ironpit/venue/a.py", "from ..operate import control", "points up"),
    ("python/ironpit/cli/a.py", "from ironpit.cellar.a import x", "no room"),
    ("python/ironpit/cli/a.py", "import host_tuning.cli", "does not import host_tuning"),
    ("host-tuning/host_tuning/facts/a.py", "from host_tuning.target import host", "points up"),
    ("host-tuning/host_tuning/facts/a.py", "from ironpit.config import Venue", "neither ironcore"),
    ("host-tuning/host_tuning/a.py", "import ironcore", "neither ironcore"),
]


def synthetic(tree: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.mark.parametrize(("path", "line", "why"), FORBIDDEN)
def test_a_forbidden_import_is_found(tmp_path: Path, path: str, line: str, why: str) -> None:
    synthetic(tmp_path, {path: f'"""Import that nothing: import ironcore.runtime."""\n{line}\n'})
    (found,) = violations(tmp_path)
    assert found.startswith(f"{path}:")
    assert why in found


ALLOWED = [
    ("pyx/ironcore/base/a.pyx", "from ironcore.base.atomics cimport load_acquire_u64"),
    ("pyx/ironcore/base/a.pyx", "import os  # ironcore.runtime"),
    ("pyx/ironcore/ring/a.pxd", "from ironcore.base.status cimport (STATUS_OK,\n  STATUS_FULL)"),
    ("pyx/ironcore/engine/a.pyx", "from ironcore.book.limits cimport Limits"),
    ("pyx/ironcore/order_entry/a.pyx", "from ironcore.stream.directory cimport Directory"),
    ("pyx/ironcore/order_entry/a.pyx", "from ironcore.wire.record cimport Event"),
    ("pyx/ironcore/order_entry/a.pyx", "from ironcore.order_entry.protocol cimport Report"),
    ("pyx/ironcore/order_entry/fix/a.pyx", "from ironcore.wire.soupbin cimport soupbin_next"),
    ("pyx/ironcore/order_entry/fix/a.pyx", "from ironcore.order_entry.fix.b cimport f"),
    ("pyx/ironcore/order_entry/fix/a.pyx", "from ironcore.order_entry.protocol cimport Report"),
    ("pyx/ironcore/stage/journal.pyx", "from ironcore.wire.checksum cimport x"),
    ("pyx/ironcore/stage/matcher.pyx", "from ironcore.stage.agent cimport Agent"),
    ("pyx/ironcore/runtime/a.pyx", "from ironcore.stage.matcher cimport x"),
    ("pyx/ironcore/bench/a.pyx", "from ironcore.runtime.runner cimport x"),
    ("python/ironpit/operate/a.py", "from ironcore.base.counters import CountersReader"),
    ("python/ironpit/client/a.py", "from ironcore.wire.soupbin import decode"),
    ("python/ironpit/cli/a.py", "from ..config import Venue"),
    ("host-tuning/host_tuning/a.py", "from host_tuning import cli"),
    ("host-tuning/host_tuning/commands/a.py", "from host_tuning.facts.tree import HostTree"),
]


@pytest.mark.parametrize(("path", "line"), ALLOWED)
def test_an_allowed_import_is_not_reported(tmp_path: Path, path: str, line: str) -> None:
    synthetic(tmp_path, {path: f"{line}\n"})
    assert violations(tmp_path) == []


def test_a_circle_is_found_also_through_a_pxd(tmp_path: Path) -> None:
    files = {
        "pyx/ironcore/book/a.pyx": "from ironcore.book.b cimport f\n",
        "pyx/ironcore/book/b.pxd": "from ironcore.book.c cimport C\n",
        "pyx/ironcore/book/c.pyx": "from ironcore.book cimport a\n",
        "pyx/ironcore/book/d.pyx": "from ironcore.book.a cimport g\n",
    }
    synthetic(tmp_path, files)
    (found,) = cycles(arrows(list(sources(tmp_path))))
    assert found == [f"ironcore.book.{name}" for name in "abc"]


@pytest.mark.parametrize(
    "folder",
    ["pyx/ironcore/cellar", "python/ironpit/cellar", "host-tuning/host_tuning/cellar"],
)
def test_a_folder_that_is_no_room_is_found(tmp_path: Path, folder: str) -> None:
    synthetic(tmp_path, {f"{folder}/a.py": "from ironcore.base import counters\n"})
    found = rooms.faults(tmp_path, list(sources(tmp_path)))
    assert f"{folder}: no room of the floor plan (tools/layers.py)" in found


def test_a_room_with_too_many_files_is_found(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(rooms.FILES_MAX + 1)]
    synthetic(tmp_path, {f"python/ironpit/venue/{name}.py": '"""A."""\n' for name in names})
    (found,) = rooms.faults(tmp_path, list(sources(tmp_path)))
    assert found == "python/ironpit/venue: 41 source files, expected 40 at most"
