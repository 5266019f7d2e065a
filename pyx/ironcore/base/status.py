"""The data plane's result codes as Python sees them; the same numbers as in status.pxd."""

from enum import IntEnum


class Status(IntEnum):
    """One result code for every function of the data plane; 0 is the only success."""

    OK = 0
    EMPTY = 1
    FULL = 2
    TRUNCATED = 3
    MALFORMED = 4
    UNKNOWN_TYPE = 5
    TOO_LARGE = 6
    OVERRUN = 7
    EVICTED = 8
    CLOSED = 9
    CORRUPT = 10
    IO = 11
    IGNORED = 12
    LIMIT = 13
    REPLACED = 14
    LATER = 15
