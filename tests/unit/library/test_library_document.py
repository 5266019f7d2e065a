"""Goal: docs/LIBRARY.md says what is: its snippets run and print what it shows, its tables name
every field and code there is.

Method: run the snippets in their order, in one namespace as a reader would, and compare what each
prints with the block of text behind it; read the tables.
"""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ironpit.library import (
    COMMAND_DTYPE,
    EVENT_DTYPE,
    LEVEL_DTYPE,
    ORDER_DTYPE,
    CommandType,
    EventFlag,
    EventType,
    InstrumentState,
    OrderPlace,
    Status,
)

TEXT = (Path(__file__).parents[3] / "docs" / "LIBRARY.md").read_text()
SNIPPET = re.compile(
    r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)


def test_every_snippet_prints_what_is_shown_behind_it() -> None:
    found = SNIPPET.findall(TEXT)
    assert len(found) == TEXT.count("```python") >= 4
    names: dict[str, Any] = {}
    for code, shown in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/LIBRARY.md", "exec"), names)
        assert printed.getvalue() == shown, code


def section(title: str) -> str:
    """From one heading to the next."""
    found = re.search(
        rf"^### {re.escape(title)}.*?\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL
    )
    assert found, title
    return found[1]


@pytest.mark.parametrize(
    ("title", "dtype"),
    [
        ("COMMAND_DTYPE", COMMAND_DTYPE),
        ("EVENT_DTYPE", EVENT_DTYPE),
        ("LEVEL_DTYPE", LEVEL_DTYPE),
        ("ORDER_DTYPE", ORDER_DTYPE),
    ],
)
def test_each_field_is_in_its_table_with_its_type(title: str, dtype: np.dtype[np.void]) -> None:
    text = section(title)
    assert f"{dtype.itemsize} bytes" in text
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\w+) \|", text, re.MULTILINE)
    found = {name: kind for names, kind in rows for name in re.findall(r"\w+", names)}
    kinds = {"u": "uint", "i": "int"}
    expected = {}
    for name in dtype.names or ():
        field = dtype[name]
        if not name.startswith("reserved"):
            kind = kinds.get(field.kind)
            expected[name] = f"{kind}{8 * field.itemsize}" if kind else f"S{field.itemsize}"
    assert found == expected


@pytest.mark.parametrize(
    "codes", [CommandType, EventType, EventFlag, InstrumentState, OrderPlace, Status]
)
def test_each_code_is_named_with_its_number(codes: Any) -> None:
    text = section(codes.__name__)
    for code in codes:
        number = repr(chr(code)) if codes is InstrumentState else str(int(code))
        assert f"{number} {code.name}" in text
