"""What a bridge's source still has from before the frame that the bridge reads next.

A reader that a ring waits for begins where it was, and a publication over a network begins with
nothing: readers that come back would ask it in vain for what they missed, though the ring, or the
journal of its stream, has it.
"""

import sys
from pathlib import Path

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmSubscription
from ironcore.stream.journal_reader import JournalReader, read_mark
from ironpit.common.errors import Exit, UserError
from ironpit.venue.journal_mark import mark_warning

FRAME_BYTES_LEAST = 64  # of the event stream; fewer frames than that fit a window


class Recalled:
    """Gives a publication that has had no frame yet those before the next one of `source`, as many
    as its window may hold: the journal's, where one is given, then those that only the ring has.
    What neither has is left out. UserError when the journal cannot be read."""

    def __init__(
        self, end: PublicationEnd, source: ShmSubscription, journal: Path | None, window_bytes: int
    ) -> None:
        self._end = end
        self._journal = journal
        self._held = source.sequence_next
        self._first = max(1, self._held - window_bytes // FRAME_BYTES_LEAST)
        self._from_journal()
        self._from_ring(source)

    def _take(self, sequence: int, frame: bytes | memoryview) -> None:
        sequence_next = self._end.sequence_next
        if not max(sequence_next, self._first) <= sequence < self._held:
            return
        if sequence > sequence_next:
            self._end.skip(sequence - sequence_next)
        self._end.recall(frame)

    def _from_journal(self) -> None:
        if self._journal is None:
            return
        first = max(self._first, self._end.sequence_next)
        last = 0
        try:
            marked = read_mark(self._journal)
            for sequence, frame in JournalReader(self._journal, first_sequence=first):
                if sequence >= self._held:
                    return
                last = sequence
                self._take(sequence, frame)
        except (OSError, ValueError) as error:
            raise UserError(f"--journal {self._journal}: {error}", Exit.REFUSED) from error
        if last and (behind := mark_warning(marked, last)):
            print(f"ironpit: --journal {self._journal}: {behind}", file=sys.stderr, flush=True)

    def _from_ring(self, source: ShmSubscription) -> None:
        try:
            ring = ShmSubscription(source.path, from_="oldest", session=source.session)
        except (OSError, ValueError):
            return  # removed, or of another stream by now: the source will say so
        if ring.reader.identity == source.reader.identity:
            while ring.sequence_next < self._held and ring.poll(self._held_frame) > 0:
                pass

    def _held_frame(self, sequence: int, frame: bytes) -> None:
        if self._end.sequence_next < sequence < self._held:
            # What the ring has lost since the journal was read, the journal has gained.
            self._from_journal()
        self._take(sequence, frame)
