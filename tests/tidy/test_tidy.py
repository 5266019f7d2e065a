"""Goal: what docs/STYLE.md asks for and a machine can see, holds in every file.

Method: the rules of tests/tidy/rules.py over all files that people wrote; then each rule over a
line that breaks it, so that none of them is asleep.
"""

import warnings
from pathlib import Path

import pytest
from tests.tidy import rules
from tests.tidy.contracts import broken_contracts, declares_a_name

ROOT = Path(__file__).resolve().parents[2]
PATHS = list(rules.files(ROOT))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps(rule: rules.Rule) -> None:
    found = [
        f"{path}:{complaint}"
        for path in PATHS
        for complaint in rule(path, (ROOT / path).read_text())
    ]
    assert found == []


def test_files_were_found() -> None:
    assert {Path("setup.py"), Path("Makefile"), Path(".ci/run")} <= set(PATHS)
    assert sum(path.suffix in rules.CYTHON for path in PATHS) > 20


def test_c_is_written_by_hand_only_in_headers_and_tests() -> None:
    assert list(rules.hand_written_c(PATHS)) == []


def test_each_module_has_its_contracts() -> None:
    assert list(broken_contracts(ROOT, PATHS)) == []


def test_links_between_documents_resolve() -> None:
    assert list(rules.broken_links(ROOT, PATHS)) == []


def test_long_files_are_named() -> None:
    """Not a failure: past this length, look for the second subject."""
    for path in PATHS:
        count = (ROOT / path).read_text().count("\n")
        if path.suffix in rules.CODE and rules.FILE_LINES_WARN < count <= rules.FILE_LINES_MAX:
            warnings.warn(f"{path} has {count} lines: two subjects?", stacklevel=1)


FUNCTION = "def f():\n" + "    x = 1\n" * 80
METHOD = "class A:\n    cdef int f(self) except -1:\n" + "        x = 1\n\n" * 80 + "y = 2\n"

BROKEN: list[tuple[rules.Rule, str, str]] = [
    (rules.line_length, "a.py", "x" * 101),
    (rules.line_length, "a.md", "word " * 25),
    (rules.file_length, "a.pyx", "x\n" * 601),
    (rules.white_space, "a.md", "x "),
    (rules.white_space, "a.py", "\tx\n"),
    (rules.white_space, "a.py", "x"),
    (rules.white_space, "a.py", "x\n\n"),
    (rules.white_space, "a.py", "x\r\n"),
    (rules.no_python_assert, "a.pyx", "    assert x > 0"),
    (rules.no_cpdef, "a.pyx", "    cpdef int f(self):"),
    (rules.no_include, "a.pyx", 'include "x.pyx"'),
    (rules.no_old_code, "a.pyx", "    # cdef int x = 3"),
    (rules.no_old_code, "a.pyx", "# return x"),
    (rules.no_old_code, "a.pxd", "    # if x > 3:"),
    (rules.no_old_code, "a.pxd", "# from x cimport y"),
    (rules.no_todo, "a.py", "# TO" + "DO later"),
    (rules.no_foreign_words, "a.md", "a large language " + "model"),
    (rules.no_foreign_words, "a.py", '"/wo' + 'rk/x"'),
    (rules.function_length, "a.py", FUNCTION),
    (rules.function_length, "a.pyx", METHOD),
    (rules.tests_say_their_goal, "tests/unit/test_a.py", "import os\n"),
]


@pytest.mark.parametrize(("rule", "name", "text"), BROKEN)
def test_a_broken_rule_is_found(rule: rules.Rule, name: str, text: str) -> None:
    assert list(rule(Path(name), text))


KEPT: list[tuple[rules.Rule, str, str]] = [
    (rules.line_length, "a.md", "| " + "cell " * 30 + "|"),
    (rules.no_old_code, "a.pyx", "# index = position & (capacity - 1)"),
    (rules.no_old_code, "a.pyx", "# if there is none, wait"),
    (rules.no_python_assert, "a.pyx", "    iron_assert(x > 0, b'x')"),
    (rules.no_foreign_words, "a.md", "a work" + "ing agent polls its rings"),
    (rules.function_length, "a.py", FUNCTION.removesuffix("    x = 1\n") + "\n\ny = 2\n"),
]


@pytest.mark.parametrize(("rule", "name", "text"), KEPT)
def test_a_kept_rule_is_silent(rule: rules.Rule, name: str, text: str) -> None:
    assert list(rule(Path(name), text)) == []


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(rules.RULES)


def test_c_elsewhere_is_found() -> None:
    paths = [Path("pyx/ironcore/ring/fast.c"), Path("tests/fuzz/target.c")]
    assert list(rules.hand_written_c([*paths, Path("pyx/ironcore/include/a.h")])) == [
        "pyx/ironcore/ring/fast.c: hand-written C outside include/, tests/ and examples/"
    ]


def written(tree: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    return [Path(name) for name in files]


def test_a_missing_contract_is_found(tmp_path: Path) -> None:
    paths = written(tmp_path, {"pyx/room/a.pyx": "", "pyx/room/b.pyi": "class B: ...\n"})
    assert list(broken_contracts(tmp_path, paths)) == [
        "pyx/room/a.pyx: no .pxd",
        "pyx/room/b.pyi: no .pyx",
    ]


@pytest.mark.parametrize(
    ("importer", "line", "needed"),
    [
        ("python/tool/x.py", "from room.a import name", True),
        ("python/tool/x.py", "from room import a", True),
        ("python/tool/x.py", "import room.a", True),
        ("pyx/room/x.pyi", "from room.a import name", True),
        ("pyx/room/x.py", "from .a import name", True),
        ("tests/x.py", "def f():\n    from room.a import name", True),
        ("tests/x.py", "from room.a import _private", False),
        ("tests/x.py", "from room.ab import name", False),
        ("pyx/room/x.pyx", "from room.a import name", False),
        ("pyx/room/x.pxd", "from room.a cimport name", False),
    ],
)
def test_a_stub_is_needed_where_python_sees_a_name(
    tmp_path: Path, importer: str, line: str, needed: bool
) -> None:
    files = {"pyx/room/a.pyx": "", "pyx/room/a.pxd": "", importer: f"{line}\n"}
    found = list(broken_contracts(tmp_path, written(tmp_path, files)))
    complaint = "pyx/room/a.pyx: no .pyi, and Python imports from it"
    assert (complaint in found) == needed
    files["pyx/room/a.pyi"] = "name: int\n"
    assert complaint not in list(broken_contracts(tmp_path, written(tmp_path, files)))


@pytest.mark.parametrize(
    ("text", "declares"),
    [
        ("", False),
        ('"""Used through a.pxd only."""\n', False),
        ("from room.b import B\n", False),
        ("import os\n", False),
        ("from room.b import B as B\n", True),
        ("from room.b import *\n", True),
        ("class A: ...\n", True),
        ("def f() -> int: ...\n", True),
        ("NAMES: tuple[str, ...]\n", True),
        ("Alias = int\n", True),
    ],
)
def test_a_stub_that_declares_no_name_is_found(tmp_path: Path, text: str, declares: bool) -> None:
    assert declares_a_name(text) == declares
    paths = written(tmp_path, {"pyx/a.pyx": "", "pyx/a.pxd": "", "pyx/a.pyi": text})
    expected = [] if declares else ["pyx/a.pyi: declares no name"]
    assert list(broken_contracts(tmp_path, paths)) == expected


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# One `two`\n[x](b.md) [y](#one-two) [z](#three) [w](https://x)\n"
    )
    found = list(rules.broken_links(tmp_path, [Path("a.md")]))
    assert [complaint.split(" to ")[1] for complaint in found] == [
        "b.md, which does not exist",
        "#three, which has no such heading",
    ]


def test_every_test_file_has_a_name_of_its_own() -> None:
    """pytest imports them by their base names; two of one name break a run of the whole."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
