"""Simulated subscribers; used through simulator_subscriber.pxd only."""
