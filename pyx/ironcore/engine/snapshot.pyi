"""A core's whole state as bytes, and back."""
