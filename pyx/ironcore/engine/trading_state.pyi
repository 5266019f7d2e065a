"""The states of an instrument: what they mean for it, and how one begins."""
