"""Options of an order's appendage; for the data plane only."""
