"""L2: pre-trade limits: pure."""
