"""What a subscription believes of numbers; used through belief.pxd only."""
