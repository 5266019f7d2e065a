"""`python -m ironpit` is the command `ironpit`."""

import sys

from ironpit.cli import main

sys.exit(main())
