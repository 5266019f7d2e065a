"""The price grid (rule 2.5), and what is reckoned on it (rule 5.11)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """From each band's first price on, multiples of the band's tick; the first one is price 0."""

    bands: tuple[tuple[int, int], ...]
    table: int = 0  # the id of the tick table that they are of

    def tick_at(self, price: int) -> int:
        (_, tick), *others = self.bands
        for price_from, band_tick in others:
            if price >= price_from:
                tick = band_tick
        return tick

    def holds(self, price: int) -> bool:
        return price % self.tick_at(price) == 0

    def at_or_below(self, price: int) -> int:
        tick = self.tick_at(price)
        return price // tick * tick

    def at_or_above(self, price: int) -> int:
        return price if self.holds(price) else self.above(price)

    def above(self, price: int) -> int:
        """The next price of the grid: one tick higher."""
        return self.at_or_below(price) + self.tick_at(price)

    def below(self, price: int) -> int:
        return self.at_or_below(price - 1)


def basis_points(price: int, points: int) -> int:
    """Rule 5.11."""
    return price * points // 10_000


def is_farther(price: int, reference: int, points: int) -> bool:
    """Whether a collar of so many basis points around a reference leaves the price out."""
    return abs(price - reference) > basis_points(reference, points)
