"""The simulation's loop; used through loop.pxd only."""
