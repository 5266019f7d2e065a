"""Simulated subscribers; used through subscriber.pxd only."""
