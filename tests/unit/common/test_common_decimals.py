"""Goal: a price and a quantity survive the way from text to integer and back, whatever
the decimals.

Method: properties over all decimals and whole ranges, and the texts that must not be read.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironpit.common.decimals import Decimals, read, show

DECIMALS = st.integers(0, 9)
PRICES = st.integers(1, 1_999_999_900)
QUANTITIES = st.integers(1, 0xFFFFFFFF)


@given(st.builds(Decimals, DECIMALS, DECIMALS), PRICES, QUANTITIES)
def test_what_is_shown_reads_back(decimals: Decimals, price: int, quantity: int) -> None:
    assert decimals.read_price(decimals.show_price(price)) == price
    assert decimals.read_quantity(decimals.show_quantity(quantity)) == quantity
    assert decimals.read_price(decimals.decimal_price(price)) == price
    assert decimals.read_quantity(decimals.decimal_quantity(quantity)) == quantity


@given(DECIMALS, st.integers(-(10**18), 10**18))
def test_what_is_shown_is_the_number_itself(decimals: int, value: int) -> None:
    text = show(value, decimals)
    assert Decimal(text) == Decimal(value).scaleb(-decimals)
    assert read(text, decimals) == value


@pytest.mark.parametrize(
    ("decimals", "price", "text"),
    [
        (2, 25_000_000, "250000.00"),
        (8, 123, "0.00000123"),
        (4, 2_350_000, "235.00"),
        (4, 2_350_005, "235.0005"),
        (1, 15, "1.5"),
        (0, 15, "15"),
        (9, 1, "0.000000001"),
    ],
)
def test_a_price_has_two_decimals_at_least_where_it_has_so_many(
    decimals: int, price: int, text: str
) -> None:
    assert Decimals(decimals).show_price(price) == text


@pytest.mark.parametrize(
    ("quantity", "text"),
    [(1, "0.0001"), (10_000, "1"), (15_000, "1.5"), (0xFFFFFFFF, "429496.7295")],
)
def test_a_quantity_has_no_zeros_at_its_end(quantity: int, text: str) -> None:
    assert Decimals(2, 4).show_quantity(quantity) == text


def test_a_grouped_quantity_has_a_comma_at_each_thousand() -> None:
    assert Decimals(2, 4).show_quantity(0xFFFFFFFF, grouped=True) == "429,496.7295"


@pytest.mark.parametrize("text", ["", ".5", "1.", "1,5", "+1", "1e3", "1.001", "٣", "1_0", "1.0 "])
def test_what_is_no_plain_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number with at most 2 decimals"):
        Decimals(2).read_price(text)


@pytest.mark.parametrize("number", [1.5, 3, True, None])
def test_a_float_is_no_exact_number(number: object) -> None:
    with pytest.raises(TypeError, match="expected text or a Decimal"):
        Decimals(2).read_price(number)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal("0.001")])
def test_a_decimal_that_is_none_of_the_instruments_is_refused(number: Decimal) -> None:
    with pytest.raises(ValueError, match="expected"):
        Decimals(2).read_price(number)


def test_zeros_at_the_end_of_a_decimal_are_no_decimals() -> None:
    assert Decimals(2).read_price(Decimal("1.5000")) == 150
    assert Decimals(0).read_price(Decimal("1E+3")) == 1000


@pytest.mark.parametrize("decimals", [-1, 10])
def test_there_are_nine_decimals_at_most(decimals: int) -> None:
    with pytest.raises(ValueError, match="expected 0 to 9"):
        Decimals(decimals)
