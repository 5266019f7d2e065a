from ironcore.base.counter_set import CounterSet
from ironcore.messaging.publication import PublicationEnd
from ironcore.runtime.feed_books import BookBuilder

COUNTERS: tuple[tuple[str, str], ...]

class BookPublication(PublicationEnd):
    books: BookBuilder
    def __init__(self, counters: CounterSet | None = None) -> None: ...
