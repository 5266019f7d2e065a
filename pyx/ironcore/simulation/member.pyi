"""Simulated members; used through member.pxd only."""
