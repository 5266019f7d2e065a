"""One face for the core and the model, so that each rule's test runs against both."""

from tests.model import records as r
from tests.model.engine_model import EngineModel

from ironcore.engine.matching_engine import MatchingEngine


class Subject:
    """A started venue: two instruments with tick 100, the second with lot 10, and two sessions."""

    def __init__(self, kind: str, limits: r.Limits | None = None) -> None:
        self.limits = limits or r.Limits()
        self.core = MatchingEngine(*self.limits) if kind == "core" else None
        self.model = EngineModel(self.limits) if kind == "model" else None

    def open(self) -> "Subject":
        self.ok(r.stream_start(self.limits))
        self.ok(r.define_instrument(0))
        self.ok(r.define_instrument(1, lot=10, price_min=500, price_max=2050))
        self.ok(r.define_session(1))
        self.ok(r.define_session(2))
        return self

    def apply(self, record: bytes) -> tuple[int, list[r.Event]]:
        if self.core is not None:
            status, events = self.core.apply(record)
            self.core.check_invariants()
            return status, [r.decode_event(event.tobytes()) for event in events]
        assert self.model is not None
        status, data = self.model.apply(record)
        return status, [r.decode_event(event) for event in data]

    def ok(self, record: bytes) -> list[r.Event]:
        status, events = self.apply(record)
        assert status == r.OK
        return events

    def one(self, record: bytes) -> r.Event:
        (event,) = self.ok(record)
        return event

    def ignored(self, record: bytes) -> None:
        assert self.apply(record) == (r.IGNORED, [])

    def malformed(self, record: bytes) -> None:
        assert self.apply(record) == (r.MALFORMED, [])

    def reason(self, record: bytes) -> int:
        """The reason for which the record's order is rejected."""
        event = self.one(record)
        assert event.type == r.REJECTED
        return event.slot

    def open_before(self, record: bytes) -> int | None:
        """What a replacement says was open before, once it is applied."""
        if self.core is not None:
            stamped = bytearray(record)
            self.core.apply_batch(stamped, stamp=True)
            return r.open_before_of(bytes(stamped))
        assert self.model is not None
        self.model.apply(record)
        before = self.model.open_before
        return r.open_before_of(record) if before is None else before

    def slot(self, session: int, user_ref: int) -> int:
        return session << self.limits.user_ref_bits | user_ref

    def rest(self, session: int, user_ref: int, side: str, quantity: int, price: int) -> int:
        """Enter an order that has to come to rest; its reference."""
        accepted, added = self.ok(r.enter(session, user_ref, side, quantity, price))
        assert (accepted.type, added.type) == (r.ACCEPTED, r.ADDED)
        return added.order_ref


def kinds(events: list[r.Event]) -> list[int]:
    return [event.type for event in events]
