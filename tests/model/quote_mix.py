"""Random quotes and protections among the commands of CommandMix."""

from collections.abc import Iterator
from random import Random

from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.orders import Order


def a_quote(random: Random, model: EngineModel) -> bytes:
    session = random.choice(list(model.sessions))
    entries = []
    for _ in range(random.choice((1, 1, 2, 5, 16))):
        index = random.randrange(len(model.instruments) + (random.random() < 0.05))
        terms = model.instruments[min(index, len(model.instruments) - 1)].terms
        pair = model.quotes.get((session, index), [None, None])
        sides = [side_of(random, terms.price_min, terms.price_max, order) for order in pair]
        if random.random() < 0.9 and sides[0][0] > sides[1][0]:
            sides.reverse()
        entries.append((index, *sides[0], *sides[1]))
    last = model.sessions[session].user_ref_last
    return r.quote(session, last + random.choice((0, 1, 1, 1, 1, 4)), *entries)


def side_of(random: Random, lowest: int, highest: int, order: Order | None) -> tuple[int, int]:
    if order is not None and order.quantity and random.random() < 0.5:
        return order.price, max(0, order.quantity + random.choice((-1, 0, 0, 1)))
    middle = (lowest + highest) // 2
    price = random.randrange(max(lowest, middle - 2000), min(highest, middle + 2000) + 1)
    return price // 100 * 100, random.choice((0, 1, 10, 100))


def a_protection(random: Random, model: EngineModel) -> bytes:
    session = random.choice(list(model.sessions))
    index = random.randrange(len(model.instruments) + (random.random() < 0.05))
    if random.random() < 0.5:
        return r.reset_protection(session, index)
    return r.set_protection(
        session,
        index,
        volume=random.choice((0, 5, 20, 60, 1 << 61)),
        delta=random.choice((0, 0, 5, 30, (1 << 62) * (random.random() < 0.1))),
        executions=random.choice((0, 0, 1, 3)),
        window=random.choice((0, 0, 1, 5)),
    )


def with_quotes(
    seed: int, count: int, model: EngineModel, step_actions_max: int = 0
) -> Iterator[bytes]:
    mix, random = CommandMix(seed, model, step_actions_max), Random(seed)
    yield from mix.opening()
    for record in mix.commands(count):
        yield record
        if random.random() < 0.3:
            yield a_quote(random, model)
        if random.random() < 0.06:
            yield a_protection(random, model)
