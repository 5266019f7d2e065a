"""The arena that orders and price levels live in, and the table from which an order is found."""
