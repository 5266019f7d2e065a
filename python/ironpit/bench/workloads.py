"""The workloads of `ironpit bench match`, by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ironcore.runtime.match_workloads import Workload, from_operations
from ironpit.errors import Exit, UserError
from ironpit.flow import from_itch
from ironpit.flow.chains import chains_of, resting_max
from ironpit.flow.markets import SWINGS, Market, deep, interleaved, market

INTERLEAVED = {"many2000": 2_000, "many10000": 10_000}
ITCH_ORDERS = "itch-orders"
ITCH_BOOKS = "itch-books"
NAMES = (*SWINGS, "deep", *INTERLEAVED, ITCH_ORDERS, ITCH_BOOKS)
ORDERS_SPARE = 64
DEEP_PART = 2  # the deep book has its million orders besides


@dataclass(frozen=True)
class Subject:
    """A flow of orders, and the commands that it is for our core."""

    market: Market
    workload: Workload
    orders_max: int


def chosen(names: str, with_file: bool) -> list[str]:
    """The names in a comma-separated list; all that can be run when it is empty."""
    needs_file = {ITCH_ORDERS, ITCH_BOOKS}
    if not names:
        return [name for name in NAMES if with_file or name not in needs_file]
    found = [name.strip() for name in names.split(",") if name.strip()]
    for name in found:
        if name not in NAMES:
            raise UserError(
                f"--workloads: found {name!r}, expected some of {', '.join(NAMES)}", Exit.USAGE
            )
        if name in needs_file and not with_file:
            raise UserError(f"--workloads: {name} needs --orders FILE", Exit.USAGE)
    return found


def subject_of(found: Market) -> Subject:
    """The commands of a market's flow."""
    flow = found.flow
    orders_max = resting_max(flow.operations, chains_of(flow.operations)) + ORDERS_SPARE
    ticks = flow.tick_sizes_e4()
    workload = from_operations(
        found.name, flow.operations, flow.sessions_count, ticks, orders_max, found.opening
    )
    return Subject(found, workload, orders_max)


def subjects(
    names: Iterable[str], sessions: int, messages: int, seed: int, orders: str
) -> Iterable[Subject]:
    """One workload of orders after the other, each made when its turn comes."""
    for name in names:
        if name in SWINGS:
            yield subject_of(market(name, sessions, messages, seed))
        elif name == "deep":
            yield subject_of(deep(sessions, messages // DEEP_PART, seed))
        elif name in INTERLEAVED:
            yield subject_of(interleaved(INTERLEAVED[name], sessions, messages, seed))
        elif name == ITCH_ORDERS:
            yield subject_of(Market(f"{name} {Path(orders).name}", from_itch(orders, sessions)))
