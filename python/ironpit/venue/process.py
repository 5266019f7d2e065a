"""`python -m ironpit.venue.process [--require-onload] CONFIG NAME`: one process of a venue.

The supervisor starts it."""

import sys

from msgspec.structs import replace

from ironpit import config
from ironpit.common.errors import UserError
from ironpit.common.lifecycle import Lifecycle


def main() -> int:
    """Run the process named on the command line."""
    *flags, file, name = sys.argv[1:]
    try:
        with Lifecycle() as lifecycle:
            from ironpit.venue.duty import run_process

            venue = config.load(file)
            if "--require-onload" in flags:
                venue = replace(venue, require_onload=True)
            return run_process(venue, name, lifecycle)
    except UserError as error:
        print(f"ironpit: {name}: {error}", file=sys.stderr)
        return error.code


if __name__ == "__main__":
    sys.exit(main())
