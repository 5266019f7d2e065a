"""The second of the day: what is due with it."""
