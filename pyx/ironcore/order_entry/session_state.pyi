"""The sessions' memory: for compiled modules."""
