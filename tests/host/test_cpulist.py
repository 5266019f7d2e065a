"""Goal: CPU lists and masks are read as Linux writes them, and what is none is refused by name.

Method: plain cases from captures and kernel documentation, and round trips of random sets.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tuning.common.cpulist import format_list, format_mask, parse_list, parse_mask
from host_tuning.common.errors import ToolError

CPUS = st.frozensets(st.integers(0, 2000), max_size=64)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("\n", set()),
        ("\0", set()),
        ("  (null)\n", set()),
        ("                 (null)\0\0", set()),
        ("0", {0}),
        ("4-7\n", {4, 5, 6, 7}),
        ("0-3,8,10-14:2", {0, 1, 2, 3, 8, 10, 12, 14}),
        ("0, 2", {0, 2}),
    ],
)
def test_lists_are_read(text: str, expected: set[int]) -> None:
    assert parse_list(text) == expected


@pytest.mark.parametrize("text", ["x", "1-", "-1", "3-1", "1,,2", "1;2", "0-9:0", "99999", "²"])
def test_what_is_no_list_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ToolError, match=r"--cpus: found .* expected"):
        parse_list(text, "--cpus")


def test_masks_have_words_of_eight_digits_highest_first() -> None:
    assert parse_mask("ff,00000003\n") == {0, 1, *range(32, 40)}
    assert format_mask({0, 1, *range(32, 40)}) == "ff,00000003"
    assert format_mask([]) == "0"
    with pytest.raises(ToolError, match="hexadecimal"):
        parse_mask("xyz")


@given(CPUS)
def test_formats_invert_parsers(cpus: frozenset[int]) -> None:
    assert parse_list(format_list(cpus)) == cpus
    assert parse_mask(format_mask(cpus)) == cpus


def test_lists_are_written_as_ranges() -> None:
    assert format_list([7, 1, 2, 3, 9, 8]) == "1-3,7-9"
    assert format_list([0, 1]) == "0-1"
