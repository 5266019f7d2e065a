"""The terms of a valid order: what its fields and options come to."""
