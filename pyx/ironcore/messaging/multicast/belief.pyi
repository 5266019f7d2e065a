"""What a subscription believes of numbers; used through multicast_belief.pxd only."""
