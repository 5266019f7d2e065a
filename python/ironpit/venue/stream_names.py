"""Instruments and sessions as the event stream of a venue defines them.

The file that a venue was started from may have been edited since: what runs is what its stream
says. Whoever commands a running venue, or explains its journal, gets names, numbers and the layout
of slots here.
"""

from ironcore.runtime import pipeline
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.venue.definitions import STREAM_START, SYMBOL_BYTES, Definitions, TickTables

NAMES_SHOWN_MAX = 10


class StreamNames:
    """The names of a stream, of whose frames all up to now are read: `read` takes in the rest.

    Every frame of the journal is looked at, for a definition may stand anywhere in it: about 0.04 s
    of CPU for a million frames. The ring has those that the journal has not got yet.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._definitions = Definitions()
        self._sequence_next = 1
        self._gathered: tuple[dict[str, int], dict[str, int]] | None = None
        self.read()

    def read(self) -> None:
        """Take in what the stream has gained. UserError when it cannot be read."""
        self._gathered = None
        journal, ring = self._config.journal.directory, self._config.streams.events.path
        try:
            end = pipeline.open_stream_onlooker(ring).first_sequence
            taker = self._definitions.taker()
            pipeline.give_before(journal, ring, end, [taker], self._sequence_next)
            self._sequence_next = max(self._sequence_next, end)
        except (ValueError, OSError) as error:
            raise UserError(
                f"{journal}: the stream's instruments cannot be looked up: {error}"
            ) from error
        if self._definitions.start is None:
            raise UserError(
                f"{journal}: found no start of the stream, expected the venue to have started",
                Exit.REFUSED,
            )

    def observe(self, command: bytes) -> None:
        """A command that was sequenced behind what was read so far."""
        self._gathered = None
        self._definitions.observe(command)

    @property
    def instruments(self) -> dict[str, int]:
        """Every instrument by symbol, retired ones too. A symbol that was given again is that of
        the later one."""
        return self._gather()[0]

    @property
    def live(self) -> dict[str, int]:
        """The instruments that are not retired, in the order of their numbers."""
        return self._gather()[1]

    def _gather(self) -> tuple[dict[str, int], dict[str, int]]:
        # Once, and not for each of thousands of instruments that are commanded together.
        if self._gathered is None:
            known, retired = self._definitions.symbols(), self._definitions.retired
            self._gathered = known, {s: n for s, n in known.items() if n not in retired}
        return self._gathered

    @property
    def instrument_next(self) -> int:
        """The number of the next instrument that is defined."""
        return len(self._definitions.instruments)

    def tick_tables(self) -> TickTables:
        """Those of the stream, to which an instrument may add one."""
        return self._definitions.tick_tables()

    def definition(self, instrument: int) -> bytes:
        """The body of its definition, as changed since."""
        return self._definitions.instruments[instrument]

    def symbol(self, instrument: int) -> str:
        """Of the instrument of this number."""
        body = self._definitions.instruments[instrument]
        return body[:SYMBOL_BYTES].decode().rstrip()

    @property
    def sessions(self) -> dict[str, int]:
        """User name to number of the session, from 1."""
        return self._definitions.usernames()

    @property
    def user_ref_bits(self) -> int:
        """Bits of a slot that hold the UserRefNum."""
        assert self._definitions.start is not None
        return int(STREAM_START.unpack(self._definitions.start)[6])


def shown(names: list[str]) -> str:
    """Names in a message: all of a few, else the first ones and how many there are."""
    if len(names) <= NAMES_SHOWN_MAX:
        return ", ".join(names) or "(none)"
    return f"{', '.join(names[:NAMES_SHOWN_MAX])}, … ({len(names)} of them)"
