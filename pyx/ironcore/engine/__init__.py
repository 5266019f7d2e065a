"""L2: the matching engine: every command, applied to the books. Pure: no clock and no I/O."""
