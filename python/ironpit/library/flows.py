"""A member order flow (ironpit.flow) as a venue and the commands for it."""

from typing import Final

import numpy as np

from ironcore.library.command_rows import COMMAND_DTYPE
from ironpit.flow import Flow
from ironpit.flow.operations import CANCEL, ENTER, REPLACE
from ironpit.library.codes import CommandType
from ironpit.library.results import Rows
from ironpit.library.venue import Venue

TYPES: Final = {
    ENTER: CommandType.ENTER_ORDER,
    REPLACE: CommandType.REPLACE_ORDER,
    CANCEL: CommandType.CANCEL_ORDER,
}


def venue_of(flow: Flow, *, orders_max: int = 1 << 18) -> Venue:
    """A venue with the flow's symbols (the coarsest tick that their prices admit) and sessions."""
    venue = Venue(
        instruments_max=max(len(flow.symbols), 1),
        sessions_max=flow.sessions_count,
        orders_max=orders_max,
        user_ref_bits=max(flow.user_refs_max().bit_length(), 4),
    )
    for symbol, tick_size in zip(flow.symbols, flow.tick_sizes(), strict=True):
        venue.add_instrument(
            symbol,
            tick_size=tick_size,
            price_decimals=flow.decimals.price,
            quantity_decimals=flow.decimals.quantity,
        )
    for _ in range(flow.sessions_count):
        venue.add_session()
    return venue


def rows_of(flow: Flow) -> Rows:
    """The flow's operations, in their order: COMMAND_DTYPE[n]. Their times are in the flow."""
    operations = flow.operations
    made = np.zeros(len(operations), COMMAND_DTYPE)
    for kind, command in TYPES.items():
        made["type"][operations["kind"] == kind] = command
    made["session"] = operations["session"] + np.uint32(1)
    made["instrument"] = operations["symbol"]
    for name in ("user_ref", "orig_user_ref", "quantity", "price", "time_in_force"):
        made[name] = operations[name]
    entered = operations["kind"] == ENTER
    # A replacement keeps its side, which is said by naming none.
    made["side"] = np.where(entered, operations["side"], 0)
    made["display"] = np.where(operations["kind"] == CANCEL, 0, ord("Y"))
    made["cross_type"] = np.where(entered, ord("N"), 0)
    return made
