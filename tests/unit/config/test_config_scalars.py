"""Goal: sizes and durations survive the way from text to integer and back.

Method: properties over whole ranges, and the texts that must not be read.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironpit.common.decimals import Decimals
from ironpit.config import scalars


@given(st.integers(1, 1 << 40))
def test_a_size_is_shown_as_what_reads_back_to_it(size_bytes: int) -> None:
    scalar = scalars.size(1, 1 << 40, power_of_two=False)
    assert scalar.read(scalar.show(size_bytes)) == size_bytes


@given(st.integers(0, 10**15))
def test_a_duration_is_shown_as_what_reads_back_to_it(duration_ns: int) -> None:
    scalar = scalars.duration(0, 10**15)
    assert scalar.read(scalar.show(duration_ns)) == duration_ns


@pytest.mark.parametrize("text", ["", ".5", "1.", "1,5", "-1", "0", "1e3", "1.00001", "٣", "1_0"])
def test_what_is_no_plain_decimal_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the reader makes the sentence)
        scalars.price().of(Decimals()).read(text)


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        (scalars.price(), "a number with at most 2 decimals, from 0.01 to 19999999.00, the"),
        (scalars.quantity(), "a number with at most 4 decimals, from 0.0001 to 429496.7295 (quan"),
    ],
)
def test_what_is_expected_is_said_in_the_instruments_decimals(
    scalar: scalars.Scaled, expected: str
) -> None:
    assert scalar.of(Decimals(2, 4)).expected.startswith(expected)
