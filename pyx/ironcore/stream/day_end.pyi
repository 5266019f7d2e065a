"""The end of the stream's day: for compiled modules."""
