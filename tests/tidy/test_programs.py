"""Goal: a new machine gets every program that a test asks for.

Method: the marks of all tests are compared with what tools/system_packages.sh looks for.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "system_packages.sh"
# Every machine has a shell; this file's neighbours name programs that no machine has.
EVERYWHERE = {"sh"}
TIDY = ROOT / "tests" / "tidy"


def asked_for(text: str) -> Iterator[str]:
    """The programs in a test file's needs_tool marks."""
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "needs_tool"
        ):
            yield from (str(ast.literal_eval(argument)) for argument in node.args)


def looked_for(script: str) -> set[str]:
    """The programs that the script finds missing."""
    lines = re.findall(r"^ *programs \S+ (.+)$", script, re.MULTILINE)
    return {name for line in lines for name in line.split()} | set(
        re.findall(r"command -v ([\w-]+)", script)
    )


def test_every_program_that_a_test_needs_is_installed() -> None:
    known = looked_for(SCRIPT.read_text()) | EVERYWHERE
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "tests").rglob("*.py")
        if TIDY not in path.parents
        for name in asked_for(path.read_text())
        if name not in known
    }
    assert found == set()


def test_marks_and_script_are_read() -> None:
    marks = 'import pytest\npytestmark = [pytest.mark.needs_tool("ip", "nft")]\n'
    assert list(asked_for(marks)) == ["ip", "nft"]
    script = "    programs iproute2 ip\n    need clang sh -c 'command -v clang'\n"
    assert looked_for(script) == {"ip", "clang"}
