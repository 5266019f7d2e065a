"""The numbers and characters of commands and events, by name (docs/WIRE.md)."""

from enum import IntEnum, IntFlag
from typing import Final

# The price of an order that names none, whatever the instrument's decimals.
MARKET_PRICE: Final = 0x7FFFFFFF
QUANTITY_MAX_DEFAULT: Final = 999_999  # of OUCH 5.0
INSTRUMENT_NONE: Final = 0xFFFFFFFF


class CommandType(IntEnum):
    """COMMAND_DTYPE's `type`; the other commands of docs/WIRE.md are methods of Venue, but for
    CONTINUE: here every command is one step."""

    SYSTEM_EVENT = 4
    RETIRE_INSTRUMENT = 6
    SET_STATE = 7
    CLOCK = 8
    ENTER_ORDER = 16
    REPLACE_ORDER = 17
    CANCEL_ORDER = 18
    MODIFY_ORDER = 19
    MASS_CANCEL = 20
    DISABLE_ORDER_ENTRY = 21
    ENABLE_ORDER_ENTRY = 22
    ACCOUNT_QUERY = 23
    CANCEL_SESSION = 24


class EventType(IntEnum):
    """EVENT_DTYPE's `type`; section 15 of docs/MATCHING_RULES.md says what the fields mean."""

    ACCEPTED = 128
    REJECTED = 129
    EXECUTED = 130
    CANCELED = 131
    REPLACED = 132
    ADDED = 133
    MODIFIED = 134
    MASS_CANCEL_RESPONSE = 135
    ORDER_ENTRY_DISABLED = 136
    ORDER_ENTRY_ENABLED = 137
    ACCOUNT_QUERY_RESPONSE = 138
    INSTRUMENT_DEFINED = 139
    SESSION_DEFINED = 140
    SYSTEM = 141
    REPLENISHED = 142
    REDUCED = 143
    ACTIVATED = 144
    CROSSED = 145
    CROSS = 146
    INDICATIVE = 147
    STATE_CHANGED = 148
    COLLARS = 149
    BROKEN = 150
    INSTRUMENT_CHANGED = 151
    INSTRUMENT_RETIRED = 152
    INSTRUMENT_NEXT = 153
    END_SET = 154
    CANCEL_REJECTED = 155
    QUOTED = 160
    QUOTE_REJECTED = 161
    PROTECTION_SET = 162
    PROTECTION_REACHED = 163
    PROTECTION_RESET = 164


class EventFlag(IntFlag):
    """EVENT_DTYPE's `flags`."""

    LAST = 1  # of its command
    VISIBLE = 2  # the order concerned was, or now is, on the visible book
    AGGRESSOR_SELL = 4  # EXECUTED: the incoming order sold
    CROSSES = 8  # REPLACED: the old order leaves by itself, the rest of the new one is ADDED
    SELL = 16  # the order concerned sells
    ATTRIBUTED = 32  # displayed with attribution
    AT_CLOSE = 64  # EXECUTED: at the closing price, wherever the resting order stands


class OrderPlace(IntEnum):
    """ORDER_DTYPE's `place`: where an order waits."""

    SHOWN = 0  # on the visible book
    HIDDEN = 1
    STOPS = 2  # dormant, until its stop price is reached
    WAITING = 3  # with a limit, for its auction
    WAITING_MARKET = 4  # without one
    PARKED = 5  # a peg without a price, or a trailing stop without a stop price


class InstrumentState(IntEnum):
    """Rule 13.1; the values are characters."""

    CLOSED = ord("C")
    PRE_OPEN = ord("B")
    OPENING_AUCTION = ord("O")
    CONTINUOUS = ord("T")
    HALTED = ord("H")
    PAUSED = ord("P")
    QUOTE_ONLY = ord("Q")
    CLOSING_AUCTION = ord("L")
    RETIRED = ord("R")
    TRADE_AT_CLOSE = ord("X")
