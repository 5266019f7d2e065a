"""What a bridge tells its operator about the connection, or the ring, that it reads from."""

from ironcore.messaging.shm import ShmSubscription
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.common.complaints import Complaints, Say

# Counters of a subscription that mean a connection which failed, and what the operator is told.
REASONS = {
    "unreachable": "cannot connect, or closed before the login was answered (does no program "
    "listen there, or one for TLS only?)",
    "refused": "the login is rejected",
    "login_timeouts": "the login is not answered (is it a SoupBinTCP server, without TLS?)",
    "malformed": "the server sends something that is no stream of ironpit",
    "stale": "nothing was heard for too long",
    "cuts": "the connection was cut",
    "displaced": "another connection has logged in with our name and taken our place (does "
    "another reader have the same certificate, or the same name=?)",
}


class ReaderNews:
    """Says which reader of a TCP publication was displaced by another connection of its name, at
    once and then once a minute at most. `look` does it, now and again from one thread."""

    def __init__(self, publication: TcpPublication, say: Say) -> None:
        self._publication = publication
        self._complaints = Complaints(say)
        self._seen: dict[str, int] = {}

    def look(self) -> None:
        """Say what has happened since the last look."""
        for reader in self._publication.reader_counts():
            name = str(reader["name"])
            displaced = int(reader["displaced"])
            if displaced > self._seen.get(name, 0):
                self._complaints.add(
                    name,
                    f"reader {name}: another connection has logged in with this name, and ended "
                    "the earlier one (does each reader have a name of its own?)",
                    displaced - self._seen.get(name, 0),
                )
            self._seen[name] = displaced


class ConnectionNews:
    """Says why a TCP subscription has no connection, each kind of reason at once and then once a
    minute at most, and that it has one again. `look` does it, now and again from one thread.

    dialled: a thread of its own connects, and says itself why it cannot.
    """

    def __init__(
        self, subscription: TcpSubscription, place: str, say: Say, *, dialled: bool = False
    ) -> None:
        self._subscription = subscription
        self._place = place
        self._say = say
        self._reasons = {k: v for k, v in REASONS.items() if not (dialled and k == "unreachable")}
        self._complaints = Complaints(say)
        self._seen = subscription.counters.snapshot()
        self._quiet = False

    def look(self) -> None:
        """Say what has happened since the last look."""
        counts = self._subscription.counters.snapshot()
        for name, text in self._reasons.items():
            failures = self._failures(counts, name) - self._failures(self._seen, name)
            if failures > 0 and self._complaints.add(
                self._kind(name), f"{self._place}: {self._reason(name, text)}", failures
            ):
                self._quiet = False
        self._seen = counts
        # What was not complained of is not said to be over either.
        if self._subscription.live and not self._quiet:
            self._quiet = True
            what = "resumed" if counts["resumes"] else "connected"
            at = self._subscription.sequence_next
            self._say(f"{self._place}: {what}, session {self._subscription.session}, frame {at}")

    @staticmethod
    def _failures(counts: dict[str, int], name: str) -> int:
        # Frames that the server has no longer are a gap, and asked for at once anew.
        return counts[name] - (counts["too_old"] if name == "refused" else 0)

    def _kind(self, name: str) -> str:
        """Rejections differ by the first word that the server says of them."""
        return f"{name} {self._subscription.told.split(' ')[0]}" if name == "refused" else name

    def _reason(self, name: str, text: str) -> str:
        what, _, value = self._subscription.told.partition(" ")
        if name != "refused":
            return text
        if what == "session":
            return f"{text}: its session is {value.strip()}"
        if what == "next":
            return (
                f"{text}: frame {self._subscription.sequence_next} was asked for, and the "
                f"server's next one is {value}"
            )
        return f"{text}: {self._subscription.told or 'no reason given'}"


class RingNews:
    """Says what becomes of the ring that a bridge reads: `look` does it, now and again."""

    def __init__(self, subscription: ShmSubscription, say: Say) -> None:
        self._subscription = subscription
        self._say = say
        self._produced = True
        self._place = "kept"

    def look(self) -> None:
        """Say what has changed since the last look."""
        end = self._subscription
        if end.produced != self._produced:
            self._produced = end.produced
            what = "has a producer again" if end.produced else "no process writes the ring any more"
            self._say(f"{end.path}: {what}")
        if end.place != self._place:
            self._place = end.place
            if self._place == "removed":
                self._say(
                    f"{end.path}: the ring was removed; the bridge waits for another one there"
                )
