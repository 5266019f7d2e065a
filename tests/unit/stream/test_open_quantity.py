"""Goal: a reader that joins the stream in the middle accounts for what is open, without having seen
the orders' lives: a replacement says what was open before.

Method: random commands into the core. From the middle on a reader adds and takes away what each
command and its events say; what it comes to is compared with all that the books hold.
"""

import numpy as np
import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import limits_of
from tests.model.engine_model import EngineModel

from ironcore.engine.matching_engine import MatchingEngine

COMMANDS, JOINED_AT = 3000, 1000


class Reader:
    """The change of all open quantity since it joined."""

    def __init__(self) -> None:
        self.change = 0
        self.replacements = 0

    def see(self, command: bytes, events: list[r.Event]) -> None:
        for event in events:
            if event.type == r.ACCEPTED:
                self.change += event.quantity
            elif event.type == r.EXECUTED:  # of both orders
                self.change -= 2 * event.quantity
            elif event.type in (r.CROSSED, r.CANCELED):
                self.change -= event.quantity
            elif event.type == r.MODIFIED:
                self.change -= event.other
            elif event.type == r.REPLACED:
                before = r.open_before_of(command)
                assert before
                self.change += event.quantity - before
                self.replacements += 1


def open_quantity(core: MatchingEngine, instruments: int) -> int:
    total = 0
    for index in range(instruments):
        for rows in (core.orders(index, "B"), core.orders(index, "S")):
            total += int(rows["quantity"].sum()) + int(rows["reserve"].sum())
    return total


@pytest.mark.parametrize("seed", range(4))
def test_open_quantity_is_accounted_for_from_the_middle_of_a_stream(seed: int) -> None:
    limits = limits_of(seed)
    model, core = EngineModel(limits), MatchingEngine(*limits)
    mix, reader, joined_with, count = CommandMix(seed, model), Reader(), 0, 0
    for part in (mix.opening(), mix.commands(COMMANDS)):
        for record in part:
            model.apply(record)
            command = bytearray(record)
            statuses, _, rows = core.apply_batch(command, stamp=True)
            count += 1
            if count <= JOINED_AT:
                joined_with = open_quantity(core, len(model.instruments))
                continue
            if statuses[0] == r.OK:
                events = [r.decode_event(row.tobytes()) for row in np.atleast_1d(rows)]
                reader.see(bytes(command), events)
            found = open_quantity(core, len(model.instruments))
            assert joined_with + reader.change == found, r.HEADER.unpack_from(command)
    assert reader.replacements > 20
