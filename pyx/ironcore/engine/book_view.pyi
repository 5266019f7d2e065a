"""The state of the core, for Python to look at."""
