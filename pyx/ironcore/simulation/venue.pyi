"""A simulated venue; used through venue.pxd only."""
