"""L2: the matching engine: pure, no I/O and no clock."""
