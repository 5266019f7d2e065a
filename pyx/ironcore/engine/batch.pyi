"""Many commands at once, with prefetching over those that wait."""
