"""Goal: who names files or folders gets the tests of these alone; all others get both parts."""

import pytest
from tools import run_tests


@pytest.mark.parametrize(
    "given",
    [["tests/unit", "-k", "ring"], ["tests/tidy/test_tidy.py::x"], ["-x", "tests"]],
)
def test_named_tests_run_alone(given: list[str]) -> None:
    assert list(run_tests.parts_of(given)) == ["as named"]


@pytest.mark.parametrize("given", [[], ["-k", "ring", "-x"], ["--durations=5"]])
def test_all_others_run_in_both_parts(given: list[str]) -> None:
    assert run_tests.parts_of(given) == run_tests.PARTS
