"""The face that every kind of stage has, and what its process gives it."""

import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.runtime import pipeline
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.transport.af_xdp import Truth
from ironpit.venue.sockets import Gateway, Open, Publication, SocketReport
from ironpit.venue.start_progress import UNHEARD, StartProgress

TURN_S = 0.1


def say(text: str) -> None:
    """One line to the operator."""
    print(f"ironpit: {text}", file=sys.stderr, flush=True)


class Context:
    """What a process gives to the builders of its stages, and what they note on the way."""

    def __init__(
        self,
        config: Config,
        process: str,
        file: CountersFile,
        degraded: list[dict[str, str]],
        say: Callable[[str], None] = say,
        progress: StartProgress = UNHEARD,
    ) -> None:
        self.config = config
        self.process = process
        self.file = file
        self.degraded = degraded
        self.say = say
        self.progress = progress
        self.truths: list[Truth] = []

    def reading(self, stage: str) -> AbstractContextManager[Callable[[int], None]]:
        """To be told how far a stage has read the stream that there is."""
        last = pipeline.last_sequence(self.config.streams.events.path)
        return self.progress.reading(stage, last)

    def counters(self, writer: str, names: tuple[Declaration, ...]) -> CounterSet:
        """A set of counters in the process's file."""
        return CounterSet(writer, names, self.file)

    def reader(self, name: str) -> Any:
        """The place in the event stream of the reader with this name."""
        reader = pipeline.open_stream_reader(self.config.streams.events.path, name)
        self.note_huge_pages(reader.huge_pages)
        entry = {"feature": "lock", "reason": reader.locked}
        if reader.locked.startswith("not") and entry not in self.degraded:
            self.degraded.append(entry)
        return reader

    def note_huge_pages(self, found: str) -> None:
        """What a ring of the event stream has of the huge pages that it was to have."""
        wanted = self.config.streams.events.huge_pages != "off"
        entry = {"feature": "huge_pages", "reason": found}
        # "N of N bytes in huge pages" is all of the ring; fewer, or "not in use", is not.
        words = found.split()
        complete = words[2:3] == words[:1]
        if wanted and not complete and entry not in self.degraded:
            if self.config.degrade.huge_pages == "refuse":
                raise UserError(f"streams.events.huge_pages: {found}", Exit.REFUSED)
            self.degraded.append(entry)

    def note_truths(self, truths: list[Truth]) -> None:
        """How the feeds that ask for AF_XDP are carried: said at start, and kept for reports."""
        for truth in truths:
            self.say(f"{self.process}: {truth}")
            if truth.degraded:
                self.degraded.append({"feature": "af_xdp", "reason": str(truth)})
        self.truths += truths

    def without_group(self, key: str, reason: str) -> None:
        """A multicast group that the host has no way to."""
        if self.config.degrade.multicast == "refuse":
            raise UserError(f"{key}: {reason}", Exit.REFUSED)
        self.degraded.append({"feature": "multicast", "reason": reason})


class Stage:
    """One instance of a kind, from its building to its end. UserError when it cannot be built.

    A builder fills in what it has; all else is as here. The process calls, in this order:
    `judged`, `start`, `attend` and `ready` again and again, `quiet`, `last_turn` while there is
    work, `finish`, `close`.
    """

    # How often the process's own thread attends to it.
    turn_s = TURN_S
    # What it needs to become ready, said when it does not in time.
    waits_for = ""
    # Whether something may be on its way to it that no ring shows.
    through_network = False

    def __init__(self, name: str, context: Context) -> None:
        self.name = name
        self.context = context
        self.config = context.config
        # What its thread polls, in the order of the duty cycle.
        self.agents: list[Any] = []
        # Sockets whose path is told, those of members, and those of publications with readers.
        self.opened: list[Open] = []
        self.members: list[Gateway] = []
        self.publications: list[tuple[str, Publication]] = []
        # What sequences the stream, where that is this stage's: its day is told.
        self.sequencer: Any = None
        # All that is closed at the end.
        self.sockets: list[Any] = []
        self.build()

    @staticmethod
    def counters_max(config: Config, name: str) -> int:
        """How many counters it has beyond the few dozen of any stage."""
        return 0

    def build(self) -> None:
        """Open what it needs and make its agents."""
        raise NotImplementedError

    def keep(self, role: str, sockets: list[Any]) -> None:
        """Sockets that are closed at the end, and whose path is told; that of AF_XDP's is told with
        its feed."""
        self.sockets += sockets
        plain = [sock for sock in sockets if isinstance(sock, socket.socket)]
        self.opened += [Open(role, sock.fileno()) for sock in plain]

    def describe(self) -> dict[str, str]:
        """What reports say of it, by name: where it listens, what it writes."""
        return {}

    def judged(self, sockets: SocketReport) -> None:
        """Who says which connections may be let in."""

    def start(self) -> None:
        """Begin what is beside its thread."""

    @property
    def ready(self) -> bool:
        """Whether it has what it waits for."""
        return True

    def attend(self, now_ns: int) -> None:
        """What the process's own thread does for it, every `turn_s`."""

    def quiet(self) -> None:
        """Take nothing new any more; its thread stops next."""

    def last_turn(self) -> int:
        """Work done after its thread has ended, 0 when there is none."""
        return sum(max(int(agent.poll_once()), 0) for agent in self.agents)

    def finish(self) -> bool:
        """Put away what is to be there at the next start; whether all could be."""
        return True

    def close(self) -> None:
        """Give back what was opened."""
        for sock in self.sockets:
            if sock is not None:
                sock.close()
