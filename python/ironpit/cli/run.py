"""`ironpit run`: the venue as a service."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--truncate-at",
        type=int,
        metavar="SEQUENCE",
        help="cut a corrupt journal off after this sequence; what follows is lost",
    )


def run(arguments: argparse.Namespace) -> int:
    from ironpit import config, supervisor

    return supervisor.run_venue(
        config.load(arguments.config), arguments.config, arguments.truncate_at
    )
