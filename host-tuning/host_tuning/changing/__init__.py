"""Plan, apply, verify and roll back: the only writers."""
