"""Random commands from a seed: mostly sensible, some wrong in every way that the rules name.

Commands are made one at a time, after the model has applied the one before, so that most of them
name orders that are live.
"""

from collections.abc import Callable, Iterator
from random import Random

from tests.model import records as r
from tests.model.engine_model import EngineModel

MID, STEP = 1_000_000, 100
APPENDAGES = (
    b"",
    r.option(2, b"FIRM"),
    r.option(3, bytes(4)),
    r.option(3, b"\0\0\0\x05"),
    r.option(5, b"\0\0\0\x05"),
    r.option(6, b"L"),
    r.option(6, b"M"),
    r.option(12, b"P"),
    r.option(12, b"N") + r.option(14, b"XNAS"),
    r.option(13, b"\0\0\0\x01"),
    r.option(9, bytes(8)),
    r.option(24, b"\0\x07") + r.option(27, b"T"),
    r.option(27, b"B"),
    b"\x05\x02F",
    b"\0",
)


class CommandMix:
    """A stream of commands for the model given; read it one by one."""

    def __init__(self, seed: int, model: EngineModel) -> None:
        self.random = Random(seed)
        self.model = model
        self.limits = model.limits
        self.mid = MID

    def opening(self) -> Iterator[bytes]:
        """The stream's first commands: instruments of different shapes, and every session."""
        yield r.stream_start(self.limits)
        shapes = [
            {"tick": STEP, "lot": 1},
            {"tick": STEP, "lot": 10, "price_min": MID - 50 * STEP, "price_max": MID + 50 * STEP},
            {"tick": 1, "lot": 1, "price_min": 1},
            {"tick": 250, "lot": 100, "price_min": 333, "quantity_max": 5000},
        ]
        for index in range(self.limits.instruments_max):
            yield r.define_instrument(index, **shapes[index % len(shapes)])
        for session in range(1, self.limits.sessions_max + 1):
            yield r.define_session(session)

    def commands(self, count: int) -> Iterator[bytes]:
        makers: tuple[Callable[[], bytes], ...] = (
            self._enter,
            self._cancel,
            self._replace,
            self._modify,
            self._rare,
        )
        for make in self.random.choices(makers, weights=(600, 130, 100, 70, 8), k=count):
            yield make()

    def _maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    def _session(self) -> int:
        return self.random.randint(1, self.limits.sessions_max)

    def _instrument(self) -> int:
        if self._maybe(0.01):
            return self.random.choice((self.limits.instruments_max, r.INSTRUMENT_NONE))
        return min(int(self.random.expovariate(1.0)), self.limits.instruments_max - 1)

    def _price(self, side: str) -> int:
        chance = self.random.random()
        if chance < 0.03:
            return self.random.choice((r.MARKET, r.MARKET_CROSS))
        if chance < 0.05:
            return self.random.choice((-1, 0, 1, MID + 7, r.PRICE_MAX, r.PRICE_MAX + 1))
        if chance < 0.08:
            return self.random.randrange(STEP, r.PRICE_MAX, STEP)
        if self._maybe(0.01):
            self.mid = self.random.randrange(MID // 2, 2 * MID, 500)
        distance = int(self.random.expovariate(0.06)) - 2
        return (self.mid // 500 * 5 + (-distance if side == "B" else distance)) * STEP

    def _quantity(self) -> int:
        if self._maybe(0.02):
            return self.random.choice((0, 3, 999_999, 1_000_000, 0xFFFFFFFF))
        return self.random.choice((1, 10, 100, 100, 200, 300, 500, 1000))

    def _next_user_ref(self, session: int) -> int:
        last = self.model.sessions[session].user_ref_last
        chance = self.random.random()
        if chance < 0.02:
            return self.random.randint(0, last)
        if chance < 0.022:
            return self.random.choice((1 << self.limits.user_ref_bits, 0xFFFFFFFF))
        return last + (1 if chance < 0.99 else self.random.randint(2, 5))

    def _known_order(self) -> tuple[int, int]:
        """A session and one of its numbers: of a live order, or of a dead or impossible one."""
        if self.model.live and self._maybe(0.85):
            return self.random.choice(list(self.model.live))
        session = self._session()
        last = self.model.sessions[session].user_ref_last
        impossible = (0, 1 << self.limits.user_ref_bits, 0xFFFFFFFF)
        if self._maybe(0.1):
            return session, self.random.choice(impossible)
        return session, self.random.randint(0, last)

    def _details(self) -> dict[str, str | bytes]:
        return {
            "time_in_force": "3" if self._maybe(0.15) else "6" if self._maybe(0.01) else "0",
            "display": "A" if self._maybe(0.1) else "N" if self._maybe(0.01) else "Y",
            "appendage": self.random.choice(APPENDAGES) if self._maybe(0.05) else b"",
        }

    def _enter(self) -> bytes:
        session = self._session()
        side = self.random.choice("BBBBSSTE") if self._maybe(0.99) else "X"
        return r.enter(
            session,
            self._next_user_ref(session),
            side,
            self._quantity(),
            self._price(side),
            instrument=self._instrument(),
            cross_type="O" if self._maybe(0.005) else "N",
            **self._details(),  # type: ignore[arg-type]
        )

    def _replace(self) -> bytes:
        session, original = self._known_order()
        return r.replace(
            session,
            original,
            self._next_user_ref(session),
            self._quantity(),
            self._price(self.random.choice("BS")),
            **self._details(),  # type: ignore[arg-type]
        )

    def _cancel(self) -> bytes:
        session, user_ref = self._known_order()
        total = 0 if self._maybe(0.7) else self._quantity() - self.random.choice((0, 0, 1))
        reason = "S" if self._maybe(0.05) else "\0"
        return r.cancel(session, user_ref, max(total, 0), reason)

    def _modify(self) -> bytes:
        session, user_ref = self._known_order()
        return r.modify(session, user_ref, self._quantity(), self.random.choice("BBBSTEX"))

    def _rare(self) -> bytes:
        session = self._session() if self._maybe(0.9) else 0
        kind = self.random.choice(
            (
                r.MASS_CANCEL,
                r.CANCEL_SESSION,
                r.DISABLE_ORDER_ENTRY,
                *[r.ENABLE_ORDER_ENTRY] * 6,
                r.ACCOUNT_QUERY,
                99,
                r.SYSTEM_EVENT,
                r.STREAM_START,
            )
        )
        if kind == r.SYSTEM_EVENT:
            return r.system_event(self.random.choice("OSQMECX"))
        if kind == r.STREAM_START:
            return r.stream_start(self.limits)
        return r.short(
            kind,
            session,
            symbol_given=self._maybe(0.5),
            instrument=self._instrument(),
            reason=self.random.choice("\0\0S"),
        )
