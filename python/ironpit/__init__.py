"""ironpit: an exchange runtime. The control plane; the data plane is ironcore.

`Venue`, `Book` and the other names of `ironpit.library` are here as well; they are imported when
first asked for, since numpy comes with them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ironpit.library import COMMAND_DTYPE, EVENT_DTYPE, Applied, Book, Venue, commands

__version__ = "0.1.0"
__all__ = ["COMMAND_DTYPE", "EVENT_DTYPE", "Applied", "Book", "Venue", "__version__", "commands"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from ironpit import library

        return getattr(library, name)
    raise AttributeError(f"module 'ironpit' has no attribute {name!r}")
