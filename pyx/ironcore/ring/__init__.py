"""L1: frames between stages in memory-mapped segment files."""
