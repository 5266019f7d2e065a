"""Memory that is reserved once at start, and faulted in where the hot path will touch it."""
