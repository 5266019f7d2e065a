"""A venue: its processes, stages and recovery."""
