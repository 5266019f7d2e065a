"""Ties tests to the numbered rules of docs/MATCHING_RULES.md."""

from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., None])


def rule(*numbers: str) -> Callable[[Test], Test]:
    """Says which rules a test shows; test_book_rules_are_cited.py reads it in the source."""
    assert numbers
    return lambda test: test
