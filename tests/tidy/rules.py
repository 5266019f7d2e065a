"""Rules of docs/STYLE.md that a machine can check: each reads a file and complains."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

LINE_COLUMNS_MAX = 100
PROSE_COLUMNS_MAX = 120
FILE_LINES_WARN = 400
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 80

CODE = (".py", ".pyi", ".pyx", ".pxd", ".c", ".h", ".sh")
CYTHON = (".pyx", ".pxd")
SKIPPED_NAMES = {
    ".git", ".venv", "build", "dist", "htmlcov", "run", "__pycache__", ".hypothesis",
    ".pytest_cache", ".mypy_cache", ".ruff_cache",
}  # fmt: skip
SKIPPED_SUFFIXES = (".so", ".pyc", ".o", ".egg-info")

# In pieces, so that this file does not contain them.
FOREIGN_WORDS = re.compile(
    "|".join(
        [
            "sub" + "-?agents?\\b", "\\bL" + "LMs?\\b", "language " + "models?\\b",
            "\\bGP" + "T\\b", "\\bAI" + "-", "/wo" + "rk/", "\\bwork" + "trees?\\b",
            "\\bthis " + "round\\b", "agent " + "sessions?\\b", "\\bissue " + "[A-Z]\\b",
        ]
    ),
    re.IGNORECASE,
)  # fmt: skip

Rule = Callable[[Path, str], Iterator[str]]


def files(tree: Path) -> Iterator[Path]:
    """Every text file that people wrote, relative to the tree: what git knows or would add."""
    git = ["git", "-C", str(tree), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = [Path(name) for name in sorted(set(listed.stdout.split("\0"))) if name]
    else:  # a source distribution
        names = list(walk(tree))
    for path in names:
        file = tree / path
        if file.is_file() and not file.is_symlink() and b"\0" not in file.read_bytes()[:4096]:
            yield path


def walk(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.iterdir()):
        if path.name.endswith(SKIPPED_SUFFIXES) or path.name in SKIPPED_NAMES:
            continue
        if path.is_dir():
            yield from (path.relative_to(tree) / child for child in walk(path))
        else:
            yield path.relative_to(tree)


def lines(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)


def line_length(path: Path, text: str) -> Iterator[str]:
    if path.name in ("LICENSE", "Makefile") or path.suffix in (".itch", ".hlog", ".json"):
        return
    if path.parent.name == "golden":  # what a program printed, a line a verdict
        return
    for number, line in lines(text):
        # A link does not break, and neither does a row of a table.
        unbreakable = path.suffix == ".md" and (line.lstrip().startswith("|") or "](" in line)
        columns_max = PROSE_COLUMNS_MAX if path.suffix == ".md" else LINE_COLUMNS_MAX
        if len(line) > columns_max and not unbreakable:
            yield f"{number}: {len(line)} columns, at most {columns_max}"


def file_length(path: Path, text: str) -> Iterator[str]:
    if path.suffix in CODE and text.count("\n") > FILE_LINES_MAX:
        yield f"{text.count(chr(10))} lines, at most {FILE_LINES_MAX}: find the second subject"


def white_space(path: Path, text: str) -> Iterator[str]:
    if "\r" in text:
        yield "carriage return"
    if text and not text.endswith("\n"):
        yield "no newline at the end"
    if text.endswith("\n\n"):
        yield "empty line at the end"
    for number, line in lines(text):
        if line != line.rstrip():
            yield f"{number}: space at the end of the line"
        if "\t" in line and path.name != "Makefile":
            yield f"{number}: tab"


def no_python_assert(path: Path, text: str) -> Iterator[str]:
    if path.suffix in CYTHON:
        for number, line in lines(text):
            if re.match(r"\s*assert\b", line):
                yield f"{number}: assert; in a nogil function it prints and goes on: iron_assert"


def no_cpdef(path: Path, text: str) -> Iterator[str]:
    if path.suffix in CYTHON:
        for number, line in lines(text):
            if re.match(r"\s*cpdef\b", line):
                yield f"{number}: cpdef"


def no_include(path: Path, text: str) -> Iterator[str]:
    if path.suffix in CYTHON:
        for number, line in lines(text):
            if re.match(r"\s*include\s+[\"']", line):
                yield f"{number}: include of another source; cimport it"


OLD_CODE = re.compile(
    r"\s*#\s*(cdef\s+\w+.*[=(:]|c?p?def\s+\w+\(.*|return( \w+)?$|(from [\w.]+ )?c?import [\w., ]+$"
    r"|(if|elif|while|for) .*:$|else:$|\w+\(\w*\);?$|\w+ [-+*]?= \w+;?$)"
)


def no_old_code(path: Path, text: str) -> Iterator[str]:
    """In Cython only; ruff's ERA001 does it for Python."""
    if path.suffix in CYTHON:
        for number, line in lines(text):
            if OLD_CODE.match(line):
                yield f"{number}: commented-out code"


def no_todo(path: Path, text: str) -> Iterator[str]:
    if path.suffix in CODE:
        for number, line in lines(text):
            if re.search(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", line):
                yield f"{number}: unfinished work belongs in an issue"


def no_foreign_words(path: Path, text: str) -> Iterator[str]:
    for number, line in lines(text):
        found = FOREIGN_WORDS.search(line)
        if found:
            yield f"{number}: {found[0]!r}: the project speaks of itself alone"


def function_length(path: Path, text: str) -> Iterator[str]:
    """From the first line of a function to the last one that is indented under it."""
    if path.suffix not in (".py", ".pyx"):
        return
    starts: list[tuple[int, int, str]] = []  # line, indent, name
    last_line = 0
    for number, line in [*lines(text), (0, "end")]:
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        while starts and indent <= starts[-1][1] and not line.lstrip().startswith(")"):
            start, _, name = starts.pop()
            if last_line - start + 1 > FUNCTION_LINES_MAX:
                yield f"{start}: {name} has {last_line - start + 1} lines, at most " + str(
                    FUNCTION_LINES_MAX
                )
        found = re.match(
            r"\s*(?:async )?(?:def|cdef (?!class|struct|enum|extern).*?)\s*(\w+)\(", line
        )
        if found:
            starts.append((number, indent, found[1]))
        last_line = number


def tests_say_their_goal(path: Path, text: str) -> Iterator[str]:
    if path.parts[0] == "tests" and path.name.startswith("test_") and not text.startswith('"""'):
        yield "a test file opens with its goal and method"


RULES: tuple[Rule, ...] = (
    line_length,
    file_length,
    white_space,
    no_python_assert,
    no_cpdef,
    no_include,
    no_old_code,
    no_todo,
    no_foreign_words,
    function_length,
    tests_say_their_goal,
)


def hand_written_c(paths: list[Path]) -> Iterator[str]:
    """C is written by hand in the data plane's headers, in tests and in examples, nowhere else."""
    for path in paths:
        allowed = path.parts[0] == "tests" or path.parts[:2] == ("docs", "examples")
        allowed = allowed or path.parts[:3] == ("pyx", "ironcore", "include")
        if path.suffix in (".c", ".h", ".cpp", ".cc", ".hpp") and not allowed:
            yield f"{path}: hand-written C outside include/, tests/ and examples/"


LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*$", without_code(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        repeated = sum(1 for known in found if re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", known))
        found.add(f"{anchor}-{repeated}" if repeated else anchor)
    return found


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def broken_links(tree: Path, paths: list[Path]) -> Iterator[str]:
    """Links between the documents: the file must exist, and so must the heading."""
    for path in paths:
        if path.suffix != ".md":
            continue
        for found in LINK.finditer(without_code((tree / path).read_text())):
            target, _, anchor = (found[1] or found[2]).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            linked = (tree / path.parent / target).resolve() if target else tree / path
            if not linked.exists():
                yield f"{path}: link to {target}, which does not exist"
            elif anchor and linked.suffix == ".md" and anchor not in anchors(linked.read_text()):
                yield f"{path}: link to {target}#{anchor}, which has no such heading"
