"""Auctions: how they are extended, held and announced."""
