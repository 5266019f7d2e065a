"""Opens the ends of streams from addresses and paths, as the configuration gives them."""
