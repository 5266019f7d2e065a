"""What a command answers to the shell, and the error that a user can mend."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; part of the interface."""

    OK = 0
    FAILED = 1  # it ran, and the result is not what was asked for
    USAGE = 2  # wrong arguments or a wrong configuration
    REFUSED = 3  # the host or another process refuses something that is required


class UserError(Exception):
    """One clear line for the user, and the exit code; never shown with a traceback."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code
