"""The options of an order; for the data plane only."""
