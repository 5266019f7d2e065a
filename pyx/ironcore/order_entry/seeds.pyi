"""Random numbers for commands: for compiled modules."""
