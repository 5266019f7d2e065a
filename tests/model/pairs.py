"""One cancels the other: section 21 of the rules."""

from tests.model.engine_base import EngineBase
from tests.model.options import Options
from tests.model.orders import Order

LEFT = 16  # rule 18.2: actions
BAD_PAIR = 0x93  # the venue's own


class Pairs(EngineBase):
    """Who is a pair with whom: each of the two names the other."""

    def other_of(self, order: Order) -> Order | None:
        """The other one of its pair, as long as that lives."""
        other = order.other
        if other is None or other.other is not order:
            return None
        return other if self.live.get((other.session, other.user_ref)) is other else None

    def pair_up(self, order: Order, other: Order | None) -> None:
        """Rule 21.1."""
        if other is not None:
            order.other, other.other = other, order

    def end_pair(self, order: Order) -> None:
        """Rule 21.4: the order has executed, or was activated."""
        other = self.other_of(order)
        order.other = None
        if other is not None:
            self.actions += LEFT
            self.cancel(other, "O")

    def is_quoted(self, order: Order) -> bool:
        """Rule 21.2: whether it is a side of a quote."""
        raise NotImplementedError

    def pair_reason(
        self, session: int, index: int, options: Options, old: Order | None = None
    ) -> int:
        """Rules 4.9.11 and 21.2; `old` is the order that is replaced."""
        if not options.oco_ref:
            return 0
        other = self.live.get((session, options.oco_ref))
        if other is None or other is old or other.instrument != index:
            return BAD_PAIR
        if self.other_of(other) not in (None, old) or self.is_quoted(other):
            return BAD_PAIR
        return 0 if options.is_stop or other.options.is_stop else BAD_PAIR

    def wanted_other(self, session: int, options: Options, old: Order | None) -> Order | None:
        """Rules 21.1 and 21.6: whom an order is to be a pair with."""
        if options.oco_ref is not None:
            return self.live.get((session, options.oco_ref))
        kept = self.other_of(old) if old else None
        if kept is None or not (options.is_stop or kept.options.is_stop):
            return None
        return kept
