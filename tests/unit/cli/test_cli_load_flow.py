"""Goal: what `ironpit load` sends fits the instruments of the venue's file, whatever their
decimals.

Method: flows for instruments of several decimals, ticks, lots and ranges, looked at order by order;
an ITCH file's flow beside a file with other decimals.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ironpit.cli.load import check_decimals, traded_of
from ironpit.common.decimals import Decimals
from ironpit.common.errors import UserError
from ironpit.config import Instrument, load
from ironpit.flow import generate
from ironpit.flow.generator import BTCUSD
from ironpit.flow.operations import CANCEL

VENUES = Path(__file__).parents[3] / "configs" / "venues"


@pytest.mark.parametrize("file", sorted(VENUES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_shipped_venues_are_loaded_with_the_shipped_flow(file: Path) -> None:
    traded = traded_of(load(file).instruments)
    assert traded == replace(BTCUSD, ticks_max=traded.ticks_max)
    assert traded.ticks_max == 100_000_000


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"price_max": 10_000_000},
        {"tick_size": 500, "lot_size": 10, "quantity_max": 6_000},
        {"price_decimals": 8},
        {"price_decimals": 8, "tick_size": 10, "price_min": 250, "price_max": 5_000},
        {"price_decimals": 0, "quantity_decimals": 9, "quantity_max": 1_000},
        {"price_decimals": 2, "lot_size": 7, "quantity_max": 0xFFFFFFFF},
    ],
)
def test_prices_are_in_range_and_on_the_grid_and_quantities_whole_lots(
    terms: dict[str, Any],
) -> None:
    instrument = Instrument(symbol="BTCUSD", **terms)
    traded = traded_of((Instrument(symbol="OTHER"), instrument))
    flow = generate(2, 5_000, traded=traded)
    assert flow.decimals == instrument.decimals
    rows = flow.operations[flow.operations["kind"] != CANCEL]
    prices, quantities = rows["price"].astype(np.int64), rows["quantity"].astype(np.int64)
    assert not (prices % instrument.tick_size).any()
    assert instrument.price_min <= prices.min() <= prices.max() <= instrument.price_max
    assert not (quantities % instrument.lot_size).any()
    assert quantities.min() > 0
    assert quantities.max() <= instrument.quantity_max


def test_a_flow_in_other_decimals_than_the_files_is_refused() -> None:
    arguments = argparse.Namespace(config=Path("venue.yaml"), orders=Path("day.itch"))
    instruments = (Instrument(symbol="ONE"), Instrument(symbol="BTCUSD", price_decimals=2))
    flow = replace(generate(1, 10), decimals=Decimals())
    check_decimals(instruments[:1], flow, arguments)
    with pytest.raises(UserError, match=r"instruments\[1\]: found price_decimals: 2 and .* 4 and"):
        check_decimals(instruments, flow, arguments)
