"""L0: atomics, clock, counters, histogram, files, limits and status."""
