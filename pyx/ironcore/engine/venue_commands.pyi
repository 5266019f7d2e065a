"""The venue's own commands: the stream's start, sessions, system events."""
