"""The path of an order of any kind, once it is accepted."""
