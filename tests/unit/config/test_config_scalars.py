"""Goal: prices, sizes and durations survive the way from text to integer and back.

Method: properties over whole ranges, and the texts that must not be read.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironpit.config import scalars


@given(st.integers(0, 1_999_999_900))
def test_a_price_is_shown_as_what_reads_back_to_it(price: int) -> None:
    assert scalars.read_price(scalars.show_price(price)) == price


@given(st.integers(1, 1 << 40))
def test_a_size_is_shown_as_what_reads_back_to_it(size_bytes: int) -> None:
    scalar = scalars.size(1, 1 << 40, power_of_two=False)
    assert scalar.read(scalar.show(size_bytes)) == size_bytes


@given(st.integers(0, 10**15))
def test_a_duration_is_shown_as_what_reads_back_to_it(duration_ns: int) -> None:
    scalar = scalars.duration(0, 10**15)
    assert scalar.read(scalar.show(duration_ns)) == duration_ns


@pytest.mark.parametrize("text", ["", ".5", "1.", "1,5", "-1", "+1", "1e3", "1.00001", "٣", "1_0"])
def test_what_is_no_plain_decimal_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a price"):
        scalars.read_price(text)
