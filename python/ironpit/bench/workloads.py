"""The workloads of `ironpit bench match`, by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ironcore.bench.match_workloads import Workload, from_operations
from ironpit.common.errors import Exit, UserError
from ironpit.flow import FlowError, from_itch
from ironpit.flow.chains import chains_of, resting_max
from ironpit.flow.markets import SWINGS, Market, deep, interleaved, market

INTERLEAVED = {"many2000": 2_000, "many10000": 10_000}
ITCH_ORDERS = "itch-orders"
ITCH_BOOKS = "itch-books"
NAMES = (*SWINGS, "deep", *INTERLEAVED, ITCH_ORDERS, ITCH_BOOKS)
ORDERS_SPARE = 64
DEEP_PART = 2  # the deep book has its million orders besides
DEEP_MESSAGES_MAX = 3_000_000  # of which each order of the opening meets one at most


@dataclass(frozen=True)
class Subject:
    """A flow of orders, and the commands that it is for our core."""

    market: Market
    workload: Workload
    orders_max: int


def no_day(file: str, error: object) -> UserError:
    """What to say of a file that holds no day of orders."""
    said = (error.strerror or "") if isinstance(error, OSError) else str(error)
    said = said.removeprefix(f"{file}: ")
    return UserError(f"--orders: found {file}: {said}, expected an ITCH 5.0 file", Exit.USAGE)


def recorded(file: str, sessions: int) -> Market:
    """The orders of an ITCH 5.0 file. UserError for another one."""
    try:
        flow = from_itch(file, sessions)
    except (FlowError, OSError) as error:
        raise no_day(file, error) from error
    if len(flow.operations) == 0:
        raise no_day(file, "there are no orders in it")
    return Market(f"{ITCH_ORDERS} {Path(file).name}", flow)


def chosen(names: str, with_file: bool, messages: int) -> list[str]:
    """The names in a comma-separated list; all that can be run when it is empty."""
    needs_file = {ITCH_ORDERS, ITCH_BOOKS}
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not names:
        found = [name for name in NAMES if with_file or name not in needs_file]
    for name in found:
        if name not in NAMES:
            raise UserError(
                f"--workloads: found {name!r}, expected some of {', '.join(NAMES)}", Exit.USAGE
            )
        if name in needs_file and not with_file:
            raise UserError(f"--workloads: {name} needs --orders FILE", Exit.USAGE)
    if not found:
        raise UserError(
            f"--workloads: found {names!r}, expected some of {', '.join(NAMES)}", Exit.USAGE
        )
    if "deep" in found and messages > DEEP_MESSAGES_MAX:
        raise UserError(
            f"--messages: found {messages}, expected 1 to {DEEP_MESSAGES_MAX} with the workload"
            " deep",
            Exit.USAGE,
        )
    return found


def subject_of(found: Market) -> Subject:
    """The commands of a market's flow."""
    flow = found.flow
    orders_max = resting_max(flow.operations, chains_of(flow.operations)) + ORDERS_SPARE
    ticks = flow.tick_sizes()
    workload = from_operations(
        found.name, flow.operations, flow.sessions_count, ticks, orders_max, found.opening
    )
    return Subject(found, workload, orders_max)


def subjects(
    names: Iterable[str], sessions: int, messages: int, seed: int, day: Market | None
) -> Iterable[Subject]:
    """One workload of orders after the other, each made when its turn comes; day is ITCH_ORDERS."""
    for name in names:
        if name in SWINGS:
            yield subject_of(market(name, sessions, messages, seed))
        elif name == "deep":
            yield subject_of(deep(sessions, messages // DEEP_PART, seed))
        elif name in INTERLEAVED:
            yield subject_of(interleaved(INTERLEAVED[name], sessions, messages, seed))
        elif name == ITCH_ORDERS and day is not None:
            yield subject_of(day)
