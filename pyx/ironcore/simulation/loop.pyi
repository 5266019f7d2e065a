"""The simulation's loop; used through simulator_loop.pxd only."""
