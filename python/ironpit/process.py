"""`python -m ironpit.process CONFIG NAME`: one process of a venue; the supervisor starts it."""

import sys

from ironpit import config
from ironpit.errors import UserError
from ironpit.lifecycle import Lifecycle


def main() -> int:
    """Run the process named on the command line."""
    file, name = sys.argv[1:3]
    try:
        with Lifecycle() as lifecycle:
            from ironpit.running import run_process

            return run_process(config.load(file), name, lifecycle)
    except UserError as error:
        print(f"ironpit: {name}: {error}", file=sys.stderr)
        return error.code


if __name__ == "__main__":
    sys.exit(main())
