"""The memory that sessions grow into: for compiled modules."""
