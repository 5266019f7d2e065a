"""`python -m host_tuning` is the command `tune-host`."""

import sys

from host_tuning.cli import main

sys.exit(main())
