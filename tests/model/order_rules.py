"""When an order is refused: section 4 of docs/MATCHING_RULES.md, and what states admit (13.2)."""

from typing import NamedTuple

from tests.model.grid import basis_points
from tests.model.options import Options
from tests.model.orders import Instrument, Order, Terms, is_market, is_more_aggressive, may_rest

NO_PRICE, ENTRY_DISABLED, BAD_DISPLAY, BAD_MAX_FLOOR, BAD_PRICE_TYPE = 0x01, 0x02, 0x03, 0x04, 0x05
BEYOND_COLLAR, BAD_SIDE, BAD_NUMBER, BAD_MIN_QUANTITY, OTHER = 0x06, 0x09, 0x0A, 0x0D, 0x0F
NO_ROOM = 0x80  # the venue's own
PEGGING, BAD_QUANTITY, BAD_CROSS, ROUTING, BAD_SYMBOL = 0x11, 0x13, 0x14, 0x16, 0x17
BAD_PRICE, ABOVE_QUANTITY_MAX, HALTED, NOT_YET = 0x1D, 0x31, 0x07, 0x2D
STP_MODES = "NOBD-"  # rule 12.1

# Rule 13.2: the reject reason (0: admitted) for cross types O, C and H, for what must execute at
# once, and for all others.
ADMITTED = {
    "C": (0x02, 0x02, 0x02, 0x02, 0x02),
    "B": (0, 0, BAD_CROSS, NOT_YET, 0),
    "O": (0, 0, BAD_CROSS, NOT_YET, 0),
    "T": (BAD_CROSS, 0, BAD_CROSS, 0, 0),
    "H": (HALTED, HALTED, HALTED, HALTED, HALTED),
    "P": (BAD_CROSS, 0, 0, HALTED, 0),
    "Q": (BAD_CROSS, 0, 0, HALTED, 0),
    "L": (BAD_CROSS, 0, BAD_CROSS, HALTED, 0),
    "X": (BAD_CROSS, BAD_CROSS, BAD_CROSS, 0, 0),
}


class Details(NamedTuple):
    """What a new order and a replacement say of the order that is to be."""

    quantity: int
    open_quantity: int
    price: int
    time_in_force: str
    display: str
    cross_type: str
    options: Options
    sells: bool


def state_reason(state: str, details: Details) -> int:
    """Rule 13.2."""
    crosses = "OCH"
    if details.cross_type in crosses:
        return ADMITTED[state][crosses.index(details.cross_type)]
    if state == "X" and (details.options.min_qty or details.time_in_force == "4"):
        return NOT_YET  # rule 13.14
    is_market_order = is_market(details.price) and not details.options.is_peg
    at_once = is_market_order or details.time_in_force in "34"
    if at_once and not details.options.is_stop:
        return ADMITTED[state][3]
    return ADMITTED[state][4]


def form_reason(terms: Terms, details: Details) -> int:
    """Rules 4.4 to 4.7."""
    if details.quantity == 0:  # rule 4.4
        return BAD_QUANTITY
    if details.quantity > terms.quantity_max:
        return ABOVE_QUANTITY_MAX
    if details.quantity % terms.lot:
        return BAD_QUANTITY
    if not is_market(details.price) and not terms.holds(details.price):  # rule 4.5
        return BAD_PRICE
    if details.time_in_force not in "01346":  # rule 4.6
        return OTHER
    if details.display not in "YAN":  # rule 4.7
        return BAD_DISPLAY
    return 0


def option_reason(instrument: Instrument, details: Details, second: int) -> int:
    """Rule 4.9; `second` is the last CLOCK's, -1 when there was none."""
    terms, options = instrument.terms, details.options
    if terms.price_min < 1 and details.cross_type != "N":  # rule 4.9.12
        return BAD_CROSS
    if terms.price_min < 1 and (options.is_stop or options.is_peg):
        return OTHER
    if options.route is not None:  # rule 4.9.1
        return ROUTING
    if options.discretion_price is not None:
        return OTHER
    if details.cross_type != "N" and asks_too_much_of_a_cross(details):  # rule 4.9.2
        return BAD_CROSS
    return (
        quantity_reason(terms, details)
        or peg_reason(details)
        or time_reason(details, second)
        or stop_reason(instrument, details)
        or stp_reason(details)
    )


def asks_too_much_of_a_cross(details: Details) -> bool:
    """Rule 4.9.2."""
    options = details.options
    if options.min_qty or options.max_floor or options.peg_offset:
        return True
    if options.price_type not in "LKI" or options.post_only == "P" or options.is_stop:
        return True
    if options.is_imbalance_only and details.cross_type == "H":
        return True
    return details.time_in_force not in "03"


def quantity_reason(terms: Terms, details: Details) -> int:
    """Rules 4.9.3 to 4.9.5."""
    options, quantity, lot = details.options, details.open_quantity, terms.lot
    can_rest = may_rest(details.time_in_force, details.price, options)
    is_hidden = details.display == "N"
    if options.min_qty > quantity or options.min_qty % lot:  # rule 4.9.3
        return BAD_MIN_QUANTITY
    if options.min_qty and can_rest and not is_hidden:
        return BAD_MIN_QUANTITY
    floor, reserves = options.max_floor, options.random_reserves
    if floor:  # rule 4.9.4
        if floor > quantity or floor % lot or is_hidden or not can_rest or options.is_peg:
            return BAD_MAX_FLOOR
        if 20 * floor < quantity:
            return BAD_MAX_FLOOR
    if reserves:  # rule 4.9.5
        if floor in (0, quantity):
            return OTHER
        if reserves % lot or 2 * reserves > floor:
            return OTHER
    return 0


def may_show_peg(options: Options) -> bool:
    """Rule 11.6."""
    return options.price_type == "R" and options.peg_offset == 0


def peg_reason(details: Details) -> int:
    """Rules 4.9.6 and 4.9.7."""
    options = details.options
    if options.price_type not in ("LPRMK" if details.cross_type == "N" else "LKI"):  # rule 4.9.6
        return BAD_PRICE_TYPE
    if options.is_to_limit and not is_market(details.price):
        return BAD_PRICE
    if options.is_imbalance_only and is_market(details.price):
        return BAD_PRICE
    if options.is_peg and details.display != "N" and not may_show_peg(options):
        return BAD_DISPLAY
    if options.is_peg and details.time_in_force in "34":
        return PEGGING
    if options.is_peg and options.min_qty:
        return OTHER
    if options.post_only not in "PN":  # rule 4.9.7
        return OTHER
    can_rest = may_rest(details.time_in_force, details.price, options)
    if options.post_only == "P" and (options.is_peg or options.is_to_limit or not can_rest):
        return OTHER
    return 0


def time_reason(details: Details, second: int) -> int:
    """Rule 4.9.8."""
    expires = details.options.expire_time
    if details.time_in_force != "6":
        return 0
    if expires is None or expires <= second:
        return OTHER
    return 0


def stop_reason(instrument: Instrument, details: Details) -> int:
    """Rule 4.9.9."""
    options = details.options
    if options.stop_price is not None and not instrument.terms.holds(options.stop_price):
        return BAD_PRICE
    if options.trail_offset is not None and not 1 <= options.trail_offset <= 1_999_999_900:
        return BAD_PRICE
    if options.is_stop and (options.is_peg or options.is_to_limit or options.post_only == "P"):
        return OTHER
    if options.is_stop and (options.min_qty or details.time_in_force == "4"):
        return OTHER
    if options.is_stop and options.stop_price is None and not instrument.last_price:
        return NO_PRICE
    return 0


def stp_reason(details: Details) -> int:
    """Rule 4.9.10."""
    mode = details.options.stp
    return OTHER if mode is not None and mode not in STP_MODES else 0


def collar_reason(instrument: Instrument, details: Details) -> int:
    """Rule 4.11."""
    reference, points = instrument.reference_price, instrument.terms.entry_collar_bp
    if is_market(details.price) or not reference or not points:
        return 0
    width = basis_points(reference, points)
    edge = reference - width if details.sells else reference + width
    return BEYOND_COLLAR if is_more_aggressive(details.sells, details.price, edge) else 0


def specials_reason(instrument: Instrument, details: Details, old: Order | None = None) -> int:
    """Rule 4.14, of an order that could come to rest; `old` is the one that it replaces."""
    options = details.options
    others = [order.options for order in instrument.orders if order is not old]
    followers = [other for other in others if other.is_peg or other.is_stop]
    if (options.is_peg or options.is_stop) and len(followers) >= instrument.terms.followers_max:
        return NO_ROOM
    with_minimum = [other for other in others if other.min_qty]
    if options.min_qty and len(with_minimum) >= instrument.terms.min_quantity_max:
        return NO_ROOM
    return 0
