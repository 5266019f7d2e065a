"""Orders that follow the displayed best prices: what theirs is, and how they are parked."""
