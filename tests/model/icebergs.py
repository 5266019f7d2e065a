"""Icebergs: rules 9.2 to 9.4."""

from tests.model import records as r
from tests.model.engine_base import EngineBase
from tests.model.orders import Order

U64 = (1 << 64) - 1


def split_mix_64(state: int) -> tuple[int, int]:
    """The next number of the SplitMix64 sequence, and the state after it."""
    state = (state + 0x9E3779B97F4A7C15) & U64
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & U64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & U64
    return z ^ (z >> 31), state


class Icebergs(EngineBase):
    """How an iceberg shows part of itself."""

    def show_first_peak(self, order: Order) -> None:
        """Rule 9.2, when an order comes to rest; rule 9.6 says when it is an iceberg."""
        floor = order.options.max_floor
        order.is_iceberg = 0 < floor < order.quantity
        order.peak = floor if order.is_iceberg else 0
        order.peak_seed = order.options.reserve_seed

    def set_next_peak(self, order: Order) -> None:
        """Rule 9.4."""
        peak, reserves = order.options.max_floor, order.options.random_reserves
        lot = self.instrument_of(order).terms.lot
        if reserves:
            z, order.peak_seed = split_mix_64(order.peak_seed)
            peak = peak - reserves + lot * (z % (2 * reserves // lot + 1))
        order.peak = min(peak, order.quantity)

    def replenish(self, order: Order) -> None:
        """Rule 9.3, when the displayed quantity is used up and reserve is left."""
        old_ref = order.order_ref
        order.order_ref = self.next_order_ref()
        order.arrival = self.next_arrival()
        self.set_next_peak(order)
        self.emit(
            r.REPLENISHED,
            order,
            flags=r.VISIBLE | attribution(order),
            quantity=order.peak,
            other=old_ref,
        )


def attribution(order: Order) -> int:
    """Section 15."""
    return r.ATTRIBUTED if order.display == "A" else 0
