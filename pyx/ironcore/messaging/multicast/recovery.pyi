"""How a subscription gets what it misses; used through recovery.pxd only."""
