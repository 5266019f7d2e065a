"""Random pairs, of which one order cancels the other, among the commands of CommandMix."""

from collections.abc import Iterator
from random import Random

from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.order_mix import OrderMix
from tests.model.orders import Order


class PairMix:
    """Orders that name another one of their session, mostly one with which they may be a pair."""

    def __init__(self, random: Random, model: EngineModel) -> None:
        self.random = random
        self.model = model
        self.orders = OrderMix(random, model)
        self.maybe = self.orders.maybe

    def next_user_ref(self, session: int) -> int:
        return self.model.sessions[session].user_ref_last + 1

    def own_order(self, session: int) -> Order | None:
        """A live one, mostly without a pair."""
        own = [order for order in self.model.live.values() if order.session == session]
        free = [order for order in own if self.model.other_of(order) is None]
        if free and self.maybe(0.9):
            own = free
        return self.random.choice(own) if own else None

    def enter(self) -> bytes:
        session = self.random.choice(list(self.model.sessions))
        other = self.own_order(session)
        index = other.instrument if other else 0
        if self.maybe(0.03):
            index = self.random.randrange(len(self.model.instruments))
        instrument = self.model.instruments[index]
        side = self.random.choice("BS")
        fields, options = self.orders.order(instrument, side)
        if other and not other.options.is_stop and self.maybe(0.95):
            self.orders.stop(instrument, side, fields, options)
        options["oco_ref"] = other.user_ref if other else self.random.choice((0, 1, 1 << 20))
        if self.maybe(0.03):
            options["oco_ref"] = self.random.choice((0, 1, self.next_user_ref(session), 1 << 31))
        return r.enter(
            session,
            self.next_user_ref(session),
            side,
            instrument=index,
            options=self.orders.elements(options),
            **fields,
        )

    def replace(self) -> bytes | None:
        """Of an order that has a pair, or is to get one."""
        paired = [order for order in self.model.live.values() if self.model.other_of(order)]
        session = self.random.choice(list(self.model.sessions))
        old = self.random.choice(paired) if paired else self.own_order(session)
        if old is None:
            return None
        instrument = self.model.instruments[old.instrument]
        fields, options = self.orders.order(instrument, old.side)
        if self.maybe(0.7):  # it stays what it is
            options = {}
            fields["display"], fields["time_in_force"] = old.display, old.time_in_force
            fields["quantity"] = max(
                0, old.total + instrument.terms.lot * self.random.choice((0, 1))
            )
        if self.maybe(0.15):
            options["stop_price"] = 0
        if self.maybe(0.4):
            named = self.own_order(old.session)
            options["oco_ref"] = named.user_ref if named and self.maybe(0.8) else 0
        del fields["cross_type"]
        return r.replace(
            old.session,
            old.user_ref,
            self.next_user_ref(old.session),
            options=self.orders.elements(options),
            **fields,
        )


def with_pairs(
    seed: int, count: int, model: EngineModel, step_actions_max: int = 0
) -> Iterator[bytes]:
    mix, random = CommandMix(seed, model, step_actions_max), Random(seed)
    pairs = PairMix(random, model)
    yield from mix.opening()
    for record in mix.commands(count):
        yield record
        if random.random() < 0.35:
            yield pairs.enter()
        replacement = pairs.replace() if random.random() < 0.08 else None
        if replacement is not None:
            yield replacement
