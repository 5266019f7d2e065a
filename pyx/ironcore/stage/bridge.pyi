import os

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.base.files import FileDirectory
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.stage.agent import Stage

COUNTERS: tuple[Declaration, ...]

class BridgeStage(Stage):
    subscription: SubscriptionEnd
    publication: PublicationEnd | None
    counters: CounterSet
    def __init__(
        self,
        subscription: SubscriptionEnd,
        publication: PublicationEnd | None,
        counters: CounterSet,
        *,
        on_gap: str = "pass",
        name: str = "bridge",
        journal: str | os.PathLike[str] | FileDirectory | None = None,
        journal_wait_ns: int = ...,
    ) -> None: ...
    def publish(self, publication: PublicationEnd) -> None: ...
    def end(self) -> None: ...
    def poll_once(self, batch_max: int = 256) -> int: ...
    @property
    def ended(self) -> bool: ...
    @property
    def failure(self) -> int: ...
