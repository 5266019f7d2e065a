"""Goal: what the documents say of rooms, layers, files and functions is what the tree has.

Method: compare the module map and the layers of docs/ARCHITECTURE.md with tools/rooms.py and
tools/layers.py; look up every file and function that a document names. Then break a copy of each,
so that every comparison is seen to fail.
"""

from pathlib import Path

import pytest
from tests.tidy import docs
from tools import rooms
from tools.imports import sources
from tools.layers import LAYERS

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs/ARCHITECTURE.md").read_text()
LIFE = Path("docs/LIFE_OF_AN_ORDER.md")
PAGES = [
    Path("README.md"),
    Path("CONTRIBUTING.md"),
    *sorted(page.relative_to(ROOT) for page in (ROOT / "docs").glob("*.md")),
]


def test_the_module_map_is_what_the_tool_prints() -> None:
    """Mend it with `python -m tools.rooms --map`."""
    printed = "".join(f"{line}\n" for line in rooms.plan(list(sources(ROOT))))
    assert docs.rooms_map(ARCHITECTURE) == printed


def test_the_layers_are_those_of_the_floor_plan() -> None:
    assert docs.layers(ARCHITECTURE) == LAYERS


def test_the_life_of_an_order_names_what_exists() -> None:
    assert len(docs.NAMED_LINK.findall((ROOT / LIFE).read_text())) > 30


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_function_that_a_page_links_to_exists(page: Path) -> None:
    assert list(docs.unknown_names(ROOT, page)) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    assert list(docs.unknown_paths(ROOT, page)) == []


def test_every_module_that_a_source_names_exists() -> None:
    files = list((ROOT / "pyx").rglob("*.p[yx]*"))
    known = {file.name for file in files}
    sources_read = [file for file in files if file.suffix in (".py", ".pyx", ".pxd", ".pyi")]
    assert len(sources_read) > 100
    assert [
        complaint
        for file in sources_read
        for complaint in docs.unknown_modules(str(file), file.read_text(), known)
    ] == []


def test_a_module_that_is_gone_is_found() -> None:
    text = "# The ring. See ring.pyx and old_ring.pyx."
    assert list(docs.unknown_modules("a.pxd", text, {"ring.pyx"})) == [
        "a.pxd: old_ring.pyx does not exist"
    ]


def test_the_readme_links_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [str(page) for page in PAGES[1:] if f"({page})" not in readme] == []


def test_a_new_arrow_changes_the_map(tmp_path: Path) -> None:
    room = tmp_path / "pyx/ironcore"
    for name, line in (("base", ""), ("ring", "from ironcore.base.a cimport f\n")):
        (room / name).mkdir(parents=True)
        (room / name / "a.pyx").write_text(line)
    before = rooms.plan(list(sources(tmp_path)))
    (room / "base/a.pyx").write_text("\n\n")
    assert rooms.plan(list(sources(tmp_path))) == before, "lines do not count"
    (room / "base/b.pyx").write_text("from ironcore.ring.a cimport g\n")
    after = rooms.plan(list(sources(tmp_path)))
    assert [line.split() for line in after] == [
        ["ironcore.base", "ring"],
        ["ironcore.ring", "base"],
    ]
    assert before != after


def test_a_map_that_is_missing_is_found() -> None:
    with pytest.raises(ValueError, match="0 blocks"):
        docs.rooms_map("no map")


def test_a_layer_that_is_wrong_is_found() -> None:
    assert docs.layers("| L2 | `book`: levels. `ring` |\n") == {
        "ironcore.book": 2,
        "ironcore.ring": 2,
    }


SOURCE = """
cdef inline int ring_offer(Ring* ring) noexcept nogil:
    return ring_full(ring)

cdef struct Order:
    int unit

cdef class Runner:
    def run(self):
        pass
"""


@pytest.mark.parametrize(
    ("name", "is_defined"),
    [
        ("ring_offer", True),
        ("Order", True),
        ("Runner", True),
        ("Runner.run", True),
        ("Other.run", False),
        ("ring_full", False),  # called, not defined
        ("offer", False),
        ("Ring", False),
    ],
)
def test_a_name_is_looked_up(tmp_path: Path, name: str, is_defined: bool) -> None:
    (tmp_path / "ring.pyx").write_text(SOURCE)
    (tmp_path / "page.md").write_text(f"then [`{name}`](ring.pyx) offers\n")
    found = list(docs.unknown_names(tmp_path, Path("page.md")))
    assert found == ([] if is_defined else [f"page.md: ring.pyx does not define {name}"])


def test_a_file_that_is_gone_is_found(tmp_path: Path) -> None:
    for room in ("pyx/ironcore/ring", "python/ironpit", "host-tuning/host_tuning"):
        (tmp_path / room).mkdir(parents=True)
    (tmp_path / "pyx/ironcore/ring/spsc.pyx").touch()
    (tmp_path / "page.md").write_text(
        "[`f`](gone.pyx) `ring/spsc` `ring/spsc.pyx` `ring/gone` `pyx/ironcore/ring/NAME.pyx`"
        " `pyx/gone.py` `messages/s`\n"
    )
    assert list(docs.unknown_names(tmp_path, Path("page.md"))) == [
        "page.md: f: there is no gone.pyx"
    ]
    assert list(docs.unknown_paths(tmp_path, Path("page.md"))) == [
        "page.md: `ring/gone` does not exist",
        "page.md: `pyx/gone.py` does not exist",
    ]
