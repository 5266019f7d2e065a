"""A simulation's chance and time; used through simulator_world.pxd only."""
