"""The command `tune-host`."""

import argparse
from collections.abc import Sequence

from host_tuning import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="tune-host", description="Host tuning for ironpit.")
    parser.add_argument("--version", action="version", version=f"tune-host {__version__}")
    parser.parse_args(argv)
    parser.print_help()
    return 0
