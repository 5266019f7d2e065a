"""The matching core's memory: what it has from start to end."""
