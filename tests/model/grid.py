"""The price grid (rule 2.5), and what is reckoned on it (rule 5.11)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Multiples of `tick`, and from each band's first price on multiples of the band's tick."""

    tick: int
    bands: tuple[tuple[int, int], ...] = ()

    def tick_at(self, price: int) -> int:
        tick = self.tick
        for price_from, band_tick in self.bands:
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

    def count(self, low: int, high: int) -> int:
        """How many prices of the grid are from low to high, both on the grid."""
        edges = [price_from for price_from, _ in self.bands if low < price_from <= high]
        total = 1
        for start, end in zip([low, *edges], [*edges, high], strict=True):
            total += (end - start) // self.tick_at(start)
        return total

    def nth(self, low: int, number: int) -> int:
        """The price that is `number` ticks above low."""
        price = low
        for price_from, _ in self.bands:
            if price < price_from:
                ticks = min(number, (price_from - price) // self.tick_at(price))
                price, number = price + ticks * self.tick_at(price), number - ticks
        return price + number * self.tick_at(price)


def basis_points(price: int, points: int) -> int:
    """Rule 5.11."""
    return price * points // 10_000


def is_farther(price: int, reference: int, points: int) -> bool:
    """Whether a collar of so many basis points around a reference leaves the price out."""
    return abs(price - reference) > basis_points(reference, points)
