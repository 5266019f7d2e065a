"""Simulated members; used through simulator_member.pxd only."""
