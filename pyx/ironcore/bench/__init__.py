"""L5: the loops that are measured, compiled."""
