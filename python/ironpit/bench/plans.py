"""The options of a measurement, as the fields of its frozen dataclass `Plan`.

`ironpit bench WHAT` makes a command line of them (cli/bench.py): what an option is for, the word
that stands for its value, and which values it takes are said here, where the field is.
"""

import dataclasses
from typing import Any

from ironpit.common.errors import Exit, UserError

ROUNDS_MAX = 1_000_000
MESSAGES_MAX = 1_000_000_000
SESSIONS_MAX = 1_000
SEED_MAX = (1 << 64) - 1
CPU_MAX = 1023


def number(default: int, text: str, lowest: int = 1, highest: int = MESSAGES_MAX) -> Any:
    """An integer from lowest to highest."""
    return _field(default, text, metavar="N", lowest=lowest, highest=highest)


def rounds(default: int) -> Any:
    return number(
        default, "rounds, in each of which everything is measured in turn", highest=ROUNDS_MAX
    )


def cpu(default: int, text: str) -> Any:
    return number(default, f"the CPU of {text}", lowest=0, highest=CPU_MAX)


def word(default: str, text: str, metavar: str) -> Any:
    """A text; empty: not given."""
    return _field(default, text, metavar=metavar)


def switch(text: str) -> Any:
    return _field(False, text)


def several(text: str, metavar: str) -> Any:
    """Texts, one for each time that the option is given."""
    return _field((), text, metavar=metavar)


def names(text: str, metavar: str) -> Any:
    """Texts, which stand without an option."""
    return _field((), text, metavar=metavar, positional=True)


def _field(default: Any, text: str, **metadata: Any) -> Any:
    return dataclasses.field(default=default, metadata={"help": text, **metadata})


def option_of(name: str) -> str:
    """What the field of this name is called on the command line."""
    return f"--{name.replace('_', '-')}"


def check(plan: Any) -> None:
    """UserError for an integer outside its field's range."""
    for field in dataclasses.fields(plan):
        if "lowest" not in field.metadata:
            continue
        lowest, highest = field.metadata["lowest"], field.metadata["highest"]
        found = getattr(plan, field.name)
        if not lowest <= found <= highest:
            raise UserError(
                f"{option_of(field.name)}: found {found}, expected {lowest} to {highest}",
                Exit.USAGE,
            )
