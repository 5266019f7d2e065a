"""tune-host: checks, applies and rolls back what makes a Linux host fit for ironpit."""

__version__ = "0.1.0"
