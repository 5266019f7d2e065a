"""The truth about the sockets of one process: which path each one takes, and why.

The process's own thread judges, after sockets were opened, when a connection has been accepted and
again once in a while, because a socket can be handed to the kernel at any time. The stages' threads
are not asked and not held up.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ironcore.base.counter_declaration import Counter
from ironcore.base.counter_set import CounterSet
from ironpit.common.atomic_file import replace_json
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, Thread
from ironpit.onload import stacks
from ironpit.onload.codes import Scope
from ironpit.onload.errors import OnloadError
from ironpit.onload.truth import Truth, Verdict, facts_of

SCHEMA = "ironpit-sockets-1"
ORDERS = "orders"
LOOK_AGAIN_NS = 1_000_000_000
STACK_NAME_CHARACTERS = 6

COUNTERS = (
    Counter("accelerated", "sockets proved accelerated when they were first looked at"),
    Counter(
        "passthrough",
        "sockets that Onload holds and the kernel carries, when first looked at",
    ),
    Counter("kernel", "sockets of the kernel, when they were first looked at"),
    Counter("fallbacks", "ALARM: sockets that Onload should carry and the kernel does"),
    Counter("refused", "sessions refused or ended because their socket is not accelerated"),
)


class Gateway(Protocol):
    """The gateway, as it is seen here."""

    def connections(self) -> list[tuple[int, int, int]]: ...
    def unaccelerated(self, connection: int, generation: int) -> None: ...


class Publication(Protocol):
    """A publication with connections of its own."""

    def descriptors(self) -> list[int]: ...


class Open(NamedTuple):
    """A socket that was opened at the start, and what for."""

    role: str
    fd: int


class Known(NamedTuple):
    """A socket and what was found of it last."""

    role: str
    fd: int
    local: str
    peer: str
    verdict: Verdict


@contextmanager
def stack_of(thread: Thread, degraded: list[dict[str, str]]) -> Iterator[None]:
    """What is opened here lives in the stack of this thread, so that no other one holds its lock.
    Without Onload nothing happens; a stack that is refused is degraded."""
    try:
        named = stacks.named(thread.name[:STACK_NAME_CHARACTERS], Scope.PROCESS)
        named.__enter__()
    except OnloadError as error:
        degraded.append({"feature": f"Onload stack of {thread.name}", "reason": str(error)})
        yield
        return
    try:
        yield
    finally:
        named.__exit__(None, None, None)


class SocketReport:
    """Judges the sockets of a process. Complaints are said once; `require`: a session whose socket
    is not accelerated is refused."""

    def __init__(
        self,
        opened: list[Open],
        counters: CounterSet,
        say: Callable[[str], None],
        *,
        require: bool,
        truth: Truth | None = None,
    ) -> None:
        self._truth = Truth() if truth is None else truth
        self._counters = counters
        self._say = say
        self._require = require
        self._said: set[tuple[str, str]] = set()
        self._known: dict[Any, Known] = {}
        self._looked_ns = time.monotonic_ns()
        self._changed = True
        self._write_ns = 0
        for role, fd in opened:
            self._look((role, fd), role, fd)
        self._opened = list(self._known)
        self._unjudged = [one for one in opened if one.role == ORDERS and one not in self._known]

    @property
    def library(self) -> str:
        """How Onload is there, in one word."""
        return self._truth.library.state

    def summary(self) -> list[str]:
        """A line for each path and reason: which roles' sockets take it."""
        groups: dict[tuple[str, str], list[str]] = {}
        for known in self._known.values():
            verdict = known.verdict
            groups.setdefault((verdict.path, verdict.reason), []).append(known.role)
        return [
            f"sockets of {', '.join(dict.fromkeys(roles))}: {path}: {reason}"
            for (path, reason), roles in groups.items()
        ]

    def refuse_unproved(self) -> None:
        """UserError unless every socket of orders is proved accelerated."""
        if self._unjudged:
            raise UserError(f"require_onload: {self._unjudged[0]} is no socket", Exit.REFUSED)
        for known in self._known.values():
            if known.role == ORDERS and not known.verdict.accelerated:
                raise UserError(
                    f"require_onload: the socket of {known.role} on {known.local} is not "
                    f"accelerated: {known.verdict.path}: {known.verdict.reason}",
                    Exit.REFUSED,
                )

    def admit(self, gateway: Gateway, connection: int, generation: int) -> bool:
        """Whether a login may be accepted, as far as its socket is concerned; if not, it has been
        refused."""
        if not self._require:
            return True
        self._turn_gateway(gateway, again=False)
        known = self._known.get((id(gateway), connection, generation))
        if known is not None and known.verdict.accelerated:
            return True
        self._refuse(gateway, connection, generation)
        return False

    def turn(
        self,
        gateways: Sequence[Gateway],
        publications: Sequence[tuple[str, Publication]],
        now_ns: int,
    ) -> None:
        """Look at connections that are new, and after a while at all of them again."""
        again = now_ns - self._looked_ns >= LOOK_AGAIN_NS
        if again:
            self._looked_ns = now_ns
            for key in self._opened:
                self._look(key, key[0], key[1])
            for role, publication in publications:
                self._turn_publication(role, publication)
        for gateway in gateways:
            self._turn_gateway(gateway, again)

    def _turn_gateway(self, gateway: Gateway, again: bool) -> None:
        present = set()
        for connection, generation, fd in gateway.connections():
            key = (id(gateway), connection, generation)
            present.add(key)
            if key in self._known and not again:
                continue
            before = self._known.get(key)
            verdict = self._look(key, ORDERS, fd)
            if self._require and before is not None and not verdict.accelerated:
                self._refuse(gateway, connection, generation)
        self._forget(id(gateway), present)

    def _turn_publication(self, role: str, publication: Publication) -> None:
        present = set()
        for fd in publication.descriptors():
            key = (role, "reader", fd)
            present.add(key)
            self._look(key, role, fd)
        self._forget(role, present)

    def _forget(self, whose: Any, present: set[Any]) -> None:
        gone = [
            key
            for key in self._known
            if key[0] == whose and key not in present and key not in self._opened
        ]
        for key in gone:
            del self._known[key]
            self._changed = True

    def _refuse(self, gateway: Gateway, connection: int, generation: int) -> None:
        gateway.unaccelerated(connection, generation)
        self._counters.add("refused")

    def _look(self, key: Any, role: str, fd: int) -> Verdict:
        before = self._known.get(key)
        try:
            facts = facts_of(fd)
            verdict = self._truth.judge(fd)
        except OSError as error:
            # It was closed between being named and being looked at: the next turn forgets it.
            return Verdict("kernel", f"no socket any more: {error.strerror}")
        if before is None:
            self._counters.add(verdict.path)
        elif before.verdict == verdict and before.peer == facts.peer:
            return verdict
        fell = before is None or before.verdict.accelerated
        if fell and not verdict.accelerated and self._should_be(role, before):
            self._counters.add("fallbacks")
            if (role, verdict.reason) not in self._said:
                self._said.add((role, verdict.reason))
                self._say(
                    f"ALARM: a socket of {role} ({facts.local} to {facts.peer or 'nobody'}) fell "
                    f"back: {verdict.path}: {verdict.reason}"
                )
        self._known[key] = Known(role, fd, facts.local, facts.peer, verdict)
        self._changed = True
        return verdict

    def _should_be(self, role: str, before: Known | None) -> bool:
        """Whether another path than Onload's is a fallback: an accelerated socket that is so no
        more, or a connection that an accelerated listener has given."""
        if before is not None:
            return before.verdict.accelerated
        return any(
            known.role == role and known.verdict.accelerated for known in self._known.values()
        )

    def write(self, path: Path, process: str, process_id: int) -> None:
        """Replace the file that `ironpit stat` reads, if anything has changed; members that come
        and go do not have it written more often than once in a while."""
        now_ns = time.monotonic_ns()
        if not self._changed or now_ns < self._write_ns:
            return
        self._changed, self._write_ns = False, now_ns + LOOK_AGAIN_NS
        replace_json(path, self.describe(process, process_id))

    def describe(self, process: str, process_id: int) -> dict[str, Any]:
        """All that is known now."""
        library = self._truth.library
        return {
            "schema": SCHEMA,
            "process": process,
            "process_id": process_id,
            "onload": library.state,
            "version": str(library.version or ""),
            "required": self._require,
            "sockets": [
                {
                    "role": known.role,
                    "fd": known.fd,
                    "local": known.local,
                    "peer": known.peer,
                    "path": known.verdict.path,
                    "reason": known.verdict.reason,
                    "endpoint": known.verdict.endpoint,
                }
                for known in self._known.values()
            ],
        }


def file_of(config: Config, process: str) -> Path:
    """Where a process leaves what it knows of its sockets."""
    return config.venue.data_directory / f"sockets-{process}.json"


def check_version(config: Config, truth: Truth, degraded: list[dict[str, str]]) -> None:
    """An Onload of an older minor version is named, and refused where the configuration says so."""
    library = truth.library
    if library.state != "interposed" or not library.minor_missing:
        return
    reason = f"extension API {library.version}, expected 1.2 or later"
    if config.degrade.onload_version == "refuse":
        raise UserError(f"degrade.onload_version: Onload offers {reason}", Exit.REFUSED)
    degraded.append({"feature": "Onload version", "reason": reason})
