"""A simulated venue; used through simulator_venue.pxd only."""
