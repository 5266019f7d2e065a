"""L1: sockets behind one narrow interface."""
