"""The matching core in this process: commands as numpy arrays in, events as numpy arrays out.

`Venue` holds any number of instruments and sessions, `Book` is one of each. No sockets, no threads
and no clock: see docs/LIBRARY.md, and docs/MATCHING_RULES.md for what each command does.
"""

from ironcore.engine.matching_engine import EVENT_DTYPE, LEVEL_DTYPE, ORDER_DTYPE
from ironcore.library.command_rows import COMMAND_DTYPE
from ironpit.common.decimals import Decimals
from ironpit.library import commands
from ironpit.library.book import Book
from ironpit.library.codes import (
    MARKET_PRICE,
    CommandType,
    EventFlag,
    EventType,
    InstrumentState,
    OrderPlace,
)
from ironpit.library.results import Applied, Status
from ironpit.library.venue import Venue, VenueError

__all__ = [
    "COMMAND_DTYPE",
    "EVENT_DTYPE",
    "LEVEL_DTYPE",
    "MARKET_PRICE",
    "ORDER_DTYPE",
    "Applied",
    "Book",
    "CommandType",
    "Decimals",
    "EventFlag",
    "EventType",
    "InstrumentState",
    "OrderPlace",
    "Status",
    "Venue",
    "VenueError",
    "commands",
]
