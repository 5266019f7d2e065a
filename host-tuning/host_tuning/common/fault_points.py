"""The points at which a run may be cut off, by their names: a test ends the process there.

Nothing in the tool looks at options or at the environment for this; a test's child process puts a
function of its own in the place of reach().
"""


def reach(point: str) -> None:
    """The run has come to this point: `logged`, `written`, `marked`, ... Nothing happens here."""
