"""Opens the end that a bridge reads, and keeps its counters."""

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironpit.bridge.addresses import Address
from ironpit.common.errors import Exit, UserError
from ironpit.transport.ends import REFUSALS, Counting, Say, Source, reason_of
from ironpit.transport.kinds import transport_of


class Counted:
    """The counters of a bridge's parts, each allocated in the file once: an end that is opened
    again goes on with those of the one before."""

    def __init__(self, file: CountersFile) -> None:
        self.file = file
        self._sets: dict[str, CounterSet] = {}

    def __call__(self, part: str, names: tuple[Declaration, ...]) -> CounterSet:
        """Those of this part."""
        if part not in self._sets:
            self._sets[part] = CounterSet(part, names, self.file)
        return self._sets[part]


def open_source(
    address: Address, sequence_next: int, say: Say, counters: Counted, session: str = ""
) -> Source:
    """The subscription at --from, which goes on with this number as far as it can. session: of the
    frames with the numbers before it, when that is known."""
    where = address.where
    try:
        source = transport_of(where.transport).subscribe(
            where,
            Counting("from", counters, counters.file),
            say,
            sequence=sequence_next,
            session=session,
        )
    except REFUSALS as error:
        raise UserError(f"{where.said}: {reason_of(error)}", Exit.REFUSED) from error
    for note in source.opened.notes:
        say(note)
    return source
