"""Quotes: pairs of orders that a member replaces together. Part of the engine."""
