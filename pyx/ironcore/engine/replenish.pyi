"""The next peak of an iceberg."""
