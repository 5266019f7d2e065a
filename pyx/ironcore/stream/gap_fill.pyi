"""Frames that a stream has lost, out of the journal: for compiled modules."""
