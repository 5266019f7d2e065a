"""A simulation's chance and time; used through world.pxd only."""
