"""Carries a stream from one transport to another: what `ironpit bridge` runs."""

import time
from collections.abc import Callable
from pathlib import Path

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.base.status import Status
from ironcore.messaging.tcp_subscription import TcpSubscription
from ironcore.runtime.runner import Runner
from ironcore.stage import bridge
from ironpit.bridge import watched
from ironpit.bridge.addresses import Address
from ironpit.bridge.ends import Source, Target, open_source, open_target
from ironpit.bridge.news import ConnectionNews
from ironpit.errors import Exit, UserError
from ironpit.lifecycle import Lifecycle

TURN_S = 0.02
END_TOLD_S = 2.0

__all__ = ["Bridge"]


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
        self.target: Target = open_target(target, say, file)
        try:
            self.source: Source = open_source(source, self.target.end.sequence_next, say, file)
        except BaseException:
            self.target.close()
            raise
        self.news: ConnectionNews | None = None
        if isinstance(self.source.end, TcpSubscription):
            self.news = ConnectionNews(
                self.source.end,
                str(source.endpoint),
                say,
                dialled=self.source.dialler is not None,
            )
        self.counters = CounterSet("bridge", bridge.COUNTERS, file)
        self.positions = watched.Positions(file)
        self.stage = bridge.BridgeStage(
            self.source.end, self.target.end, self.counters, on_gap=on_gap, journal=journal
        )
        self.runner = Runner("bridge", [self.stage], idle=idle, cpu=cpu)

    def start(self) -> None:
        """Begin to carry."""
        self.target.start()
        self.source.start()
        self.runner.start()

    def run(self, lifecycle: Lifecycle) -> Exit:
        """Until told to stop, or the source's stream has ended and readers have been told, or the
        bridge cannot go on."""
        turns = -1
        ended_s = None
        while not lifecycle.wait(TURN_S):
            self.note_positions()
            if self.runner.failure is not None:
                return Exit.FAILED
            if self.runner.turns != turns:
                turns = self.runner.turns
                lifecycle.alive()
            if self.news is not None:
                self.news.look()
            if self.stage.ended:
                ended_s = ended_s or time.monotonic()
                if time.monotonic() - ended_s >= END_TOLD_S:
                    return Exit.OK
        return Exit.OK

    def note_positions(self) -> None:
        """Where the ends stand, for who looks at the counters."""
        self.positions.note(self.source.end.sequence_next, self.target.end.sequence_next)

    @property
    def complaint(self) -> str:
        """Why the bridge cannot go on, "" while it can."""
        if self.runner.failure is None:
            return ""
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
        self.target.close()

    def counts(self) -> dict[str, dict[str, int]]:
        """Of the bridge and both its ends."""
        return {
            "bridge": self.counters.snapshot(),
            "from": self.source.end.counters.snapshot(),
            "to": self.target.end.counters.snapshot(),
        }
