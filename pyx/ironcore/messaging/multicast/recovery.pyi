"""How a subscription gets what it misses; used through multicast_recovery.pxd only."""
