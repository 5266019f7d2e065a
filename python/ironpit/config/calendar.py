"""On which days a venue trades. A trading day is a UTC day, from midnight to midnight."""

from collections.abc import Collection
from datetime import date
from typing import Literal

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_trading_day(day: date, weekdays: Collection[Weekday], holidays: Collection[date]) -> bool:
    """Whether the venue trades on this date."""
    return WEEKDAYS[day.weekday()] in weekdays and day not in holidays
