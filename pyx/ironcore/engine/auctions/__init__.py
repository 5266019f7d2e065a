"""Auctions: the price that is found, and who executes at it. Part of the engine."""
