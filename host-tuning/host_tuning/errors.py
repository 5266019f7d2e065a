"""The error that a person gets for what they asked: exit code 1 and one line."""


class ToolError(Exception):
    """Names the option, file or key, what was found and what was expected."""
