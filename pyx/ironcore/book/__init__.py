"""L2: the order book: orders, price levels and limits. Pure: no clock and no I/O."""
