"""When an order of any kind is rejected."""
