"""Arguments that several commands share."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironpit.client.load import Pace

ALL = "all"  # where symbols are given: every one that is live
RATE = 20_000
WINDOW = 64
INTERVAL_S_MIN, DAY_S = 0.001, 86_400


def positive(text: str) -> int:
    """A whole number above zero."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"found {text}, expected a whole number above zero")
    return value


def interval(text: str) -> float:
    """Seconds between two looks, of one day at most."""
    value = float(text)
    if not INTERVAL_S_MIN <= value <= DAY_S:  # which is so of NaN
        raise argparse.ArgumentTypeError(f"found {text}, expected {INTERVAL_S_MIN} to {DAY_S} s")
    return value


def rate(text: str) -> int | None:
    """Messages a second, or None for `max`."""
    return None if text == "max" else positive(text)


def add_flow_arguments(parser: argparse.ArgumentParser) -> None:
    """What to send, and how fast."""
    parser.add_argument(
        "--orders", type=Path, metavar="FILE", help="an ITCH 5.0 file (default: a generated flow)"
    )
    parser.add_argument("--messages", type=positive, metavar="N", help="send at most N messages")
    parser.add_argument(
        "--rate",
        type=rate,
        default=RATE,
        metavar="N",
        help=f"send N messages a second; max: as fast as they are acknowledged (default {RATE})",
    )
    parser.add_argument(
        "--arrivals",
        choices=("poisson", "uniform"),
        default="poisson",
        help="how messages are spread in time (default poisson)",
    )
    parser.add_argument(
        "--window",
        type=positive,
        default=WINDOW,
        metavar="N",
        help=f"with --rate max: leave at most N orders unacknowledged (default {WINDOW})",
    )


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Which venue."""
    parser.add_argument(
        "-c", "--config", required=True, type=Path, metavar="FILE", help="the venue's configuration"
    )


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Where the report goes besides the screen."""
    parser.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const="-",
        help="write the report as JSON to FILE (default: standard output)",
    )


def pace_of(arguments: argparse.Namespace) -> "Pace":
    """The pace that the arguments ask for."""
    from ironpit.client.load import Pace

    return Pace(arguments.rate, arguments.arrivals, arguments.window)
