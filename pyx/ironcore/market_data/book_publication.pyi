from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.market_data.feed_books import BookBuilder
from ironcore.messaging.publication import PublicationEnd

COUNTERS: tuple[Declaration, ...]

class BookPublication(PublicationEnd):
    books: BookBuilder
    def __init__(self, counters: CounterSet | None = None) -> None: ...
