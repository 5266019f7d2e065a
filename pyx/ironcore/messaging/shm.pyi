import os

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.ring.broadcast import (
    Gating,
    Producer,
    Reader,
    create,
    positions,
    reader_states,
)

__all__ = [
    "PUBLICATION_COUNTERS",
    "SUBSCRIPTION_COUNTERS",
    "Gating",
    "ShmPublication",
    "ShmSubscription",
    "create",
    "positions",
    "reader_states",
]

PUBLICATION_COUNTERS: tuple[Declaration, ...]
SUBSCRIPTION_COUNTERS: tuple[Declaration, ...]

class ShmPublication(PublicationEnd):
    producer: Producer
    def __init__(
        self, path: str | os.PathLike[str], counters: CounterSet | None = None
    ) -> None: ...

class ShmSubscription(SubscriptionEnd):
    reader: Reader
    def __init__(
        self,
        path: str | os.PathLike[str],
        name: str = "",
        *,
        from_: str = "now",
        counters: CounterSet | None = None,
        session: str = "",
    ) -> None: ...
    def reattach(self) -> bool: ...
    @property
    def session(self) -> str: ...
    @property
    def session_next(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def orphaned(self) -> bool: ...
    @property
    def place(self) -> str: ...
    @property
    def produced(self) -> bool: ...
