"""Random orders: of every kind that the rules know, and wrong in every way that they name."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.model import records as r
from tests.model.engine_model import EngineModel
from tests.model.options import write_options
from tests.model.orders import Instrument

MID, STEP = 100_000, 100


class OrderMix:
    """Fields of an order, and options by name."""

    def __init__(self, random: Random, model: EngineModel) -> None:
        self.random = random
        self.model = model
        self.mid = MID

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    def price(self, instrument: Instrument | None, side: str) -> int:
        """Near the middle, a little more passive than aggressive."""
        if self.maybe(0.005):
            self.mid = MID + self.random.randint(-8, 8) * STEP
        distance = int(self.random.expovariate(0.35)) - 2
        price = self.middle(instrument) + (-distance if side == "B" else distance) * STEP
        if instrument is None:
            return price
        terms = instrument.terms
        if self.maybe(0.01):
            ends = (terms.grid.at_or_above(terms.price_min), terms.price_max)
            price = self.random.choice(ends)
        return terms.grid.at_or_below(min(max(price, terms.price_min), terms.price_max))

    def middle(self, instrument: Instrument | None) -> int:
        """Of the prices: around 0 where they go below."""
        return self.mid if instrument is None or instrument.terms.price_min > 0 else self.mid - MID

    def quantity(self, instrument: Instrument | None) -> int:
        lots = self.random.choice((1, 1, 2, 2, 3, 4, 5, 8, 10))
        return lots * (instrument.terms.lot if instrument else 1)

    def near_last_price(self, instrument: Instrument, side: str) -> int:
        """Where a stop could be: mostly not yet triggered."""
        away = self.random.choice((-2, 0, 1, 1, 2, 2, 3, 4, 6)) * STEP
        price = (instrument.last_price or self.middle(instrument)) + (
            away if side == "B" else -away
        )
        lowest = max(instrument.terms.price_min, 0)  # an option has none below
        return instrument.terms.grid.at_or_below(
            min(max(price, lowest), instrument.terms.price_max)
        )

    # Kinds of orders; each changes the fields and options of a plain one

    def order(
        self, instrument: Instrument | None, side: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Fields (price, quantity, time_in_force, display, cross_type) and options."""
        fields: dict[str, Any] = {
            "price": self.price(instrument, side),
            "quantity": self.quantity(instrument),
            "time_in_force": self.random.choice("00000001"),
            "display": "A" if self.maybe(0.1) else "Y",
            "cross_type": "N",
        }
        options: dict[str, Any] = {}
        if instrument is not None:
            kinds: list[Callable[..., None]] = [
                self.plain,
                self.at_once,
                self.until,
                self.hidden,
                self.iceberg,
                self.post_only,
                self.stop,
                self.trailing,
                self.peg,
                self.cross,
                self.to_limit,
            ]
            weights = (30, 13, 5, 9, 11, 7, 6, 3, 7, 5, 4)
            (kind,) = self.random.choices(kinds, weights=weights)
            kind(instrument, side, fields, options)
            if self.maybe(0.04):  # two kinds in one, which is not always allowed
                self.random.choice(kinds)(instrument, side, fields, options)
        fields["price"] = min(fields["price"], r.MARKET)
        if self.maybe(0.12):
            options["stp"] = self.random.choice("NOBD-")
        if self.maybe(0.2):
            options["group_id"] = self.random.choice((0, 1, 2))
        return fields, options

    def plain(self, *_: Any) -> None:
        """Nothing special."""

    def at_once(self, _: Any, side: str, fields: dict[str, Any], options: dict[str, Any]) -> None:
        fields["time_in_force"] = self.random.choice("3340")
        if fields["time_in_force"] == "0" or self.maybe(0.3):
            fields["price"] = self.random.choice((r.MARKET, r.MARKET_CROSS))
        else:
            fields["price"] += (STEP if side == "B" else -STEP) * self.random.choice((0, 2, 4))
        if self.maybe(0.15):
            options["min_qty"] = fields["quantity"]

    def until(self, _: Any, __: Any, fields: dict[str, Any], options: dict[str, Any]) -> None:
        fields["time_in_force"] = "6"
        options["expire_time"] = max(self.model.second, 0) + self.random.randint(1, 30)
        if options["expire_time"] % 8 == 0:  # on a later day
            options["expire_time"] += 86_400

    def hidden(
        self, instrument: Instrument, _: Any, fields: dict[str, Any], options: dict[str, Any]
    ) -> None:
        fields["display"] = "N"
        if self.maybe(0.5):
            lot = instrument.terms.lot
            options["min_qty"] = lot * self.random.randint(1, max(1, fields["quantity"] // lot))

    def iceberg(
        self, instrument: Instrument, _: Any, fields: dict[str, Any], options: dict[str, Any]
    ) -> None:
        lot = instrument.terms.lot
        fields["quantity"] = lot * self.random.choice((5, 8, 10, 20, 30, 60))
        peak = self.random.choice((2, 3, 4, 5))
        options["max_floor"] = lot * peak
        if self.maybe(0.5):
            options["random_reserves"] = lot * self.random.randint(1, peak // 2)
            if self.maybe(0.8):
                options["reserve_seed"] = self.random.getrandbits(64)

    def post_only(self, _: Any, side: str, fields: dict[str, Any], options: dict[str, Any]) -> None:
        options["post_only"] = "P"
        if self.maybe(0.5):
            fields["price"] += (STEP if side == "B" else -STEP) * 2

    def stop(
        self, instrument: Instrument, side: str, fields: dict[str, Any], options: dict[str, Any]
    ) -> None:
        options["stop_price"] = self.near_last_price(instrument, side)
        if self.maybe(0.4):
            fields["price"] = r.MARKET
        if self.maybe(0.2):
            fields["time_in_force"] = self.random.choice("33334")

    def trailing(
        self, instrument: Instrument, side: str, fields: dict[str, Any], options: dict[str, Any]
    ) -> None:
        if self.maybe(0.5):
            self.stop(instrument, side, fields, options)
        if self.maybe(0.7):
            options.pop("stop_price", None)
        offset = self.random.choice((STEP, 2 * STEP, 3 * STEP, 130, 1_000, 200_000))
        options["trail_offset"] = offset

    def peg(self, _: Any, __: Any, fields: dict[str, Any], options: dict[str, Any]) -> None:
        fields["display"] = "N"
        options["price_type"] = self.random.choice("PRM")
        if self.maybe(0.5):
            options["peg_offset"] = self.random.choice((-3, -2, -1, 1, 2, 3, 8, -8)) * STEP // 2
        if self.maybe(0.5):
            fields["price"] = r.MARKET
        if self.maybe(0.03):
            options["min_qty"] = fields["quantity"]
        if self.maybe(0.35):
            fields["display"] = self.random.choice("YYA")
            options["price_type"] = "R"
            options.pop("peg_offset", None)

    def cross(self, _: Any, __: Any, fields: dict[str, Any], options: dict[str, Any]) -> None:
        fields["cross_type"] = self.random.choice("OCH")
        fields["time_in_force"] = self.random.choice("03")
        if self.maybe(0.4):
            fields["price"] = r.MARKET
        if self.maybe(0.2):
            fields["display"] = "N"
        if self.maybe(0.2):  # which is not for a halt, and has a limit
            options["price_type"] = "I"
            fields["quantity"] *= self.random.choice((1, 5))

    def to_limit(self, instrument: Instrument, side: str, fields: Any, options: Any) -> None:
        if self.maybe(0.4):
            self.cross(instrument, side, fields, options)
            fields["quantity"] *= self.random.choice((1, 10))  # an auction leaves some of it
        elif self.maybe(0.2):
            fields["time_in_force"] = self.random.choice("134")
        options["price_type"] = "K"
        if self.maybe(0.95):
            fields["price"] = self.random.choice((r.MARKET, r.MARKET_CROSS))

    # Faults

    def spoil(
        self, instrument: Instrument | None, fields: dict[str, Any], options: dict[str, Any]
    ) -> None:
        """One fault, of a field or of an option."""
        lot = instrument.terms.lot if instrument else 1
        quantity = fields["quantity"]
        name, value = self.random.choice(
            (
                ("quantity", self.random.choice((0, lot + 1, 1_000_000, 0xFFFFFFFF, 999_999))),
                ("price", self.random.choice((-1, 0, 1, MID + 7, r.PRICE_MAX, r.PRICE_MAX + 1))),
                ("price", MID + self.random.choice((-100, 100)) * STEP),
                ("time_in_force", self.random.choice("25E\0")),
                ("display", self.random.choice("Z\0")),
                ("cross_type", self.random.choice("SX\0")),
            )
        )
        faults: tuple[dict[str, Any], ...] = (
            {"route": 7},
            {"discretion_price": 0},
            {"min_qty": quantity + lot},
            {"min_qty": self.random.choice((lot, 1))},
            {"max_floor": quantity + lot},
            {"max_floor": self.random.choice((quantity, lot, 1))},
            {"random_reserves": self.random.choice((1, lot, quantity))},
            {"price_type": self.random.choice("PRMKX")},
            {"post_only": self.random.choice("PX")},
            {"peg_offset": STEP},
            {"expire_time": self.random.choice((0, max(self.model.second, 0), 86_400))},
            {"stop_price": self.random.choice((0, MID + 7, 1 << 40))},
            {"trail_offset": self.random.choice((0, r.PRICE_MAX + 1, STEP))},
            {"stp": "X"},
        )
        if self.maybe(0.4):
            fields[name] = value
        else:
            options.update(self.random.choice(faults))

    def elements(self, options: dict[str, Any]) -> bytes:
        """The options as OUCH's elements, now and then with others, or one that there is not."""
        data = write_options(**options)
        if self.maybe(0.02):
            data += self.random.choice((r.option(2, b"FIRM"), r.option(6, b"L")))
        if self.maybe(0.004):
            data += r.option(r.TAG_UNKNOWN, b"\0")
        return data
