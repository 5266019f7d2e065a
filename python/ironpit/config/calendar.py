"""On which days a venue trades. A trading day is a UTC day, from midnight to midnight."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_trading_day(day: date, weekdays: Iterable[str], holidays: Iterable[date]) -> bool:
    """Whether the venue trades on this date."""
    return WEEKDAYS[day.weekday()] in weekdays and day not in holidays


def next_trading_day(
    day: date, weekdays: Iterable[str], holidays: Iterable[date], days_max: int = 4_000
) -> date | None:
    """The first trading day after this date; None: there is none in so many days."""
    weekdays, holidays = frozenset(weekdays), frozenset(holidays)
    for ahead in range(1, days_max + 1):
        found = day + timedelta(days=ahead)
        if is_trading_day(found, weekdays, holidays):
            return found
    return None
