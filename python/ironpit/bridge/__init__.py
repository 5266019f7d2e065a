"""Carries a stream from one transport to another: what `ironpit bridge` runs.

Frames keep their numbers, and numbers mean the same only within a session. So nothing is carried
before the source has said its session. A ring that holds frames of another one is ended, and a new
ring takes its place; over a network the session of --to is that of the source, and the bridge ends
with it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ironcore.base.counters import CountersFile
from ironcore.base.status import Status
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmSubscription
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.runtime.runner import Runner
from ironcore.stage import bridge
from ironcore.stream.journal_reader import stream_name
from ironpit.bridge import record as watched
from ironpit.bridge.addresses import Address
from ironpit.bridge.backlog import Recalled
from ironpit.bridge.destination import open_place
from ironpit.bridge.source import Counted, open_source
from ironpit.common.errors import Exit, UserError
from ironpit.common.lifecycle import Lifecycle
from ironpit.transport.ends import News, Source
from ironpit.transport.notices import ReaderNews
from ironpit.venue.stream_identity import recorded

TURN_S = 0.02
END_TOLD_S = 2.0
BEGINNINGS = ("from_", "sequence")  # options of --from
SESSION = "IRONPIT"  # of a stream whose source has no name for it

__all__ = ["Bridge"]


def _followed(session: str, session_next: str) -> str:
    """What became of a session. One with the same name is of another stream."""
    other = (
        f"another stream of the name {session_next}" if session == session_next else session_next
    )
    return f"session {session} was followed by {other}"


def _session_of(journal: Path) -> str:
    """That of the journal's frames, or of those that will be its first; "" while it says none."""
    stream = recorded(journal)
    return stream_name(journal) or (stream.session if stream is not None else "")


class Bridge:
    """A stream from one address to another, on a thread of its own from `start` to `stop`.

    counters: where it counts, for who looks on. journal: of the same stream, for what the source
    has lost. UserError when either end, or the journal, cannot be opened.
    """

    def __init__(
        self,
        source: Address,
        target: Address,
        say: Callable[[str], None],
        *,
        on_gap: str = "pass",
        idle: str = "backoff",
        cpu: int | None = None,
        counters: CountersFile | None = None,
        journal: Path | None = None,
    ) -> None:
        if journal is not None and not journal.is_dir():
            raise UserError(f"--journal {journal}: expected a journal's directory", Exit.REFUSED)
        # A file without counters yet is false, so it is compared.
        file = CountersFile.anonymous(watched.needed(target)) if counters is None else counters
        self._address = source
        self._say = say
        self._on_gap = on_gap
        self._journal = journal
        self._idle, self._cpu = idle, cpu
        self._counted = Counted(file)
        self._failure = ""
        self._followed = ""
        self._running = False
        self._readers: ReaderNews | None = None
        self.place = open_place(target, say, self._counted)
        self.counters = self._counted("bridge", bridge.COUNTERS)
        self.positions = watched.Positions(file)
        try:
            self._open_source(self.place.sequence_next, self.place.session)
            self._join()
        except BaseException:
            self.place.close()
            raise

    def _open_source(self, sequence_next: int, session: str) -> None:
        self._read(open_source(self._address, sequence_next, self._say, self._counted, session))

    def _read(self, source: Source) -> None:
        self.source = source
        self.news: News | None = source.news(self._say)
        self._joined = False
        self.stage = bridge.BridgeStage(
            source.end, None, self.counters, on_gap=self._on_gap, journal=self._journal
        )
        if self._journal is None and not self.place.keeps and self.place.end is not None:
            # Offered under the session that --to names, whatever the source's is.
            self._publish(self.place.end)
        self.runner = self._make_runner()

    def _make_runner(self) -> Runner:
        return Runner("bridge", [self.stage], idle=self._idle, cpu=self._cpu)

    def _join(self) -> None:
        """Once the source has said its session, carry; nobody polls meanwhile."""
        session = self.source.session
        if self._joined or session is None:
            return
        held, identity = self.place.session, self.source.identity
        of_another = bool(identity) and self.place.identity not in ("", identity)
        if held and session and (held != session or of_another):
            self._begin_anew(held, session)
            return
        self._check_journal(session)
        begun = self.place.end is not None
        self._publish(self.place.begin(session or held or SESSION, identity))
        if self._running and not begun:
            self.place.start()

    def _publish(self, target: PublicationEnd) -> None:
        """Carry from now on. Over a network with what the source still has: a ring keeps that
        itself."""
        source = self.source.end
        wanted = self._address.where.options.get("from_") != "now"
        if isinstance(source, ShmSubscription) and not self.place.keeps and wanted:
            Recalled(target, source, self._journal, self.place.window_bytes)
        self.stage.publish(target)
        self._joined = True

    def _check_journal(self, session: str) -> None:
        """UserError when the journal is of another session: its frames have the same numbers."""
        if self._journal is None or not session:
            return
        found, stream = _session_of(self._journal), recorded(self._journal)
        if found not in ("", session):
            raise UserError(
                f"--journal {self._journal}: found session {found}, expected {session}, as "
                f"{self._address.text} has it",
                Exit.REFUSED,
            )
        identity = self.source.identity
        if identity and stream is not None and stream.identity != identity:
            raise UserError(
                f"--journal {self._journal}: found another stream of session {session} "
                f"({stream.identity}), expected that of {self._address.text} ({identity})",
                Exit.REFUSED,
            )

    def _begin_anew(self, session: str, session_next: str) -> None:
        """End the ring's session, and begin the other one in a new ring; nobody polls meanwhile."""
        self._say(
            f"{self._address.text}: {_followed(session, session_next)}: the ring of {session} "
            "ends, and a new one takes its place"
        )
        self.counters.add("sessions")
        self.place.begin_anew(session_next)
        if self._journal is not None and _session_of(self._journal) != session_next:
            self._journal = None  # it is of the session that is over
        if isinstance(self.source.end, ShmSubscription) and not self.source.session_next:
            # No frame was taken of it; opened again, its place would be found held: by this one.
            self._read(self.source)
            return
        if self.counters.snapshot()["frames"]:
            # Where to begin was said of the session before.
            where = self._address.where
            kept = {k: v for k, v in where.options.items() if k not in BEGINNINGS}
            self._address = replace(self._address, where=replace(where, options=kept))
        self.source.close()
        self._open_source(1, session_next)
        if self._running:
            self.source.start()

    def start(self) -> None:
        """Begin to carry."""
        self._running = True
        self.place.start()
        self.source.start()
        self.runner.start()

    def run(self, lifecycle: Lifecycle) -> Exit:
        """Until told to stop, or the source's stream has ended and readers have been told, or the
        bridge cannot go on. UserError when --to cannot be opened for the source's session."""
        turns = -1
        ended_s = None
        while not lifecycle.wait(TURN_S):
            self.note_positions()
            if not self._goes_on():
                return Exit.FAILED
            if self.runner.turns != turns:
                turns = self.runner.turns
                lifecycle.alive()
            for news in (self.news, self._reader_news()):
                if news is not None:
                    news.look()
            if not (self.stage.ended and self._joined):
                ended_s = None
            else:
                ended_s = ended_s or time.monotonic()
                if time.monotonic() - ended_s >= END_TOLD_S:
                    return Exit.FAILED if self._failure else Exit.OK
        return Exit.OK

    def _reader_news(self) -> ReaderNews | None:
        """What there is to tell of readers over TCP; over TLS who accepts them tells it."""
        end = self.place.end
        if self._readers is None and not self.place.says_connections:
            self._readers = ReaderNews(end, self._say) if isinstance(end, TcpPublication) else None
        return self._readers

    def _goes_on(self) -> bool:
        """See to what the thread that carries cannot see to itself; whether the bridge goes on."""
        failure = self.runner.failure
        if failure is not None and failure[1] == Status.REPLACED:
            return self._reattach()
        if failure is not None:
            return False
        if self.place.taken_away:
            self._failure = (
                f"{self.place.where.said}: the ring was removed or replaced (when the bridge is "
                "started again, it makes a ring or goes on in the one that is there)"
            )
            return False
        if not self._joined and self.source.session is not None:
            self._between_turns(self._join)
        session_next = self.source.session_next
        # Seen twice: what a server has told may be read while it is being written.
        if session_next and session_next == self._followed and not self._failure:
            self._follow(session_next)
        self._followed = session_next
        return True

    def _reattach(self) -> bool:
        self.runner.join()
        try:
            if self.source.end.reattach() and not self.source.session_next:
                self._say(f"{self._address.text}: the ring was made anew; the bridge now reads it")
        except (OSError, ValueError) as error:
            self._failure = f"--from {self._address.text}: {error}"
            return False
        self.runner = self._make_runner()
        self.runner.start()
        return True

    def _between_turns(self, action: Callable[[], None]) -> None:
        self.runner.stop()
        self.runner.join()
        action()
        self.runner = self._make_runner()
        self.runner.start()

    def _follow(self, session_next: str) -> None:
        """The source's session is over, and another one has taken its place."""
        session = self.place.session or self.source.session or "the old one"
        if self.place.keeps and not self.source.insists:
            self._between_turns(lambda: self._begin_anew(session, session_next))
            return
        self.counters.add("sessions")
        self._failure = (
            f"{self._address.text}: {_followed(session, session_next)}, and the bridge ends "
            "(start it again to carry the new session)"
        )
        self._between_turns(self.stage.end)

    def note_positions(self) -> None:
        """Where the ends stand, for who looks at the counters."""
        self.positions.note(self.source.end.sequence_next, self.place.sequence_next)

    @property
    def complaint(self) -> str:
        """Why the bridge cannot go on, "" while it can."""
        if self._failure or self.runner.failure is None:
            return self._failure
        status = Status(self.runner.failure[1])
        return {
            Status.OVERRUN: "the source has lost frames for good (see --on-gap)",
            Status.CORRUPT: "the source cannot be read any more",
        }.get(status, f"a transport answers {status.name}")

    def stop(self) -> None:
        """Stop carrying, and close both ends."""
        self.runner.stop()
        self.runner.join()
        self.note_positions()
        self.source.close()
        self.place.close()

    def counts(self) -> dict[str, dict[str, int]]:
        """Of the bridge and both its ends."""
        end = self.place.end
        return {
            "bridge": self.counters.snapshot(),
            "from": self.source.end.counters.snapshot(),
            "to": end.counters.snapshot() if end is not None else {},
        }
