"""A hand-turned venue for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.venue import HandVenue, Member, write_config


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return write_config(tmp_path / "venue")


@pytest.fixture
def venue(config_file: Path) -> Iterator[HandVenue]:
    hand = HandVenue(config_file)
    hand.settle()
    yield hand
    if hasattr(hand, "gateway"):
        hand.crash()


@pytest.fixture
def member(venue: HandVenue) -> Member:
    alfa = Member(venue)
    alfa.login()
    return alfa
