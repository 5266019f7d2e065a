"""The error that a person gets for what they asked: exit code 1 and one line."""


class ToolError(Exception):
    """Names the option, file or key, what was found and what was expected."""


class SiteError(ToolError):
    """What the operator wrote is wrong: no verdict about the host can stand in for that."""
