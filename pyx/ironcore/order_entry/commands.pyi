"""Commands of a session that no message asks for: for compiled modules."""
