class Stage:
    """A stage of the venue."""
