"""Goal: what several commands take is read, or refused by what was found and what was expected."""

import argparse

import pytest

from ironpit.cli.arguments import interval


def test_an_interval_is_seconds() -> None:
    assert [interval(text) for text in ("0.001", "1", "86400")] == [0.001, 1.0, 86_400.0]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "86401"])
def test_an_interval_that_nobody_can_wait_for_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"found {text}, expected 0.001 to 86400"):
        interval(text)
