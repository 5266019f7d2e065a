"""Live orders: where each one is, and what events say of it."""
