"""Judges members' logins beside the gateway's thread, which never waits for a password hash.

A hash takes tens of milliseconds, a wrong login takes its sender nothing: what is hashed is chosen.
An unknown user is refused without one, and so are 63 of 64 wrong passwords (`credentials`). A
member that has logged in since the start is known again by a keyed digest of its password, in
microseconds. Everybody else is hashed in turn, a turn for each user name and one for each source
address. The gateway tells a refusal after the same delay, whatever it was made of. See
docs/adr/0015.
"""

import collections
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from typing import NamedTuple, Protocol

from ironcore.base.counter_declaration import Counter
from ironcore.base.counter_set import CounterSet
from ironpit.common.complaints import Complaints, Say
from ironpit.venue.credentials import Credential, normal
from ironpit.venue.fair_turns import FairTurns
from ironpit.venue.hashing import Answer, Hasher, Hashing, Question

COUNTERS = (
    Counter("known_again", "logins accepted without a hash: a password that was right before"),
    Counter("hashes", "password hashes computed"),
    Counter("wrong", "logins refused: wrong user name or password"),
    Counter("unjudged", "logins refused unjudged: too many of one user name and address waited"),
    Counter("hash_errors", "password hashes that the host could not compute; tried again"),
)
WRONG_MAX = 10_000  # passwords remembered as wrong lately
ADDRESSES_MAX = 16  # of one member, remembered as its own
WAITING_MAX = 8  # logins of one user name and one address that wait for a hash
WINDOW_NS = 1_000_000_000
KEY_BYTES = 32

Admit = Callable[[int, int], bool]  # of a connection with the right password; or it is refused


class Login(NamedTuple):
    """One that waits for its verdict."""

    connection: int
    generation: int
    username: str
    password: str
    address: int


class LoginSource(Protocol):
    """The gateway, as the judge sees it."""

    def logins(self) -> list[tuple[int, int, str, str, int]]: ...
    def judge(self, connection: int, generation: int, accepted: bool) -> None: ...


class Judge:
    """Answers logins, as many as it can in a turn, and has one hash computed at a time.

    wrong_logins_max: of one address in a second; beyond them, a member that has never logged in
    from there is hashed like one that has never logged in.
    """

    def __init__(
        self,
        credentials: dict[str, Credential],
        admit: Admit = lambda connection, generation: True,
        *,
        wrong_logins_max: int = 20,
        hasher: Hashing | None = None,
        counters: CounterSet | None = None,
        say: Say = print,
    ) -> None:
        self._credentials = credentials
        self._admit = admit
        self._wrong_logins_max = wrong_logins_max
        self._hasher = Hasher() if hasher is None else hasher
        self.counters = CounterSet("logins", COUNTERS) if counters is None else counters
        self._complaints = Complaints(say)
        self._turns = FairTurns()
        self._key = os.urandom(KEY_BYTES)
        self._right: dict[str, bytes] = {}
        self._addresses: dict[str, dict[int, None]] = {}
        self._wrong: dict[bytes, None] = {}
        self._wrong_of: collections.Counter[int] = collections.Counter()
        self._window_ns = 0

    def turn(self, gateway: LoginSource, now_ns: int) -> None:
        """Judge what can be judged, and ask for the next hash."""
        if now_ns - self._window_ns >= WINDOW_NS:
            self._window_ns = now_ns
            self._wrong_of.clear()
        if answer := self._hasher.answer():
            self._learn(answer)
        # In the order in which they came; the gateway lists them by place.
        waiting = sorted((Login(*login) for login in gateway.logins()), key=lambda one: one[1])
        open_logins = list(self._not_too_many(gateway, self._undecided(gateway, waiting)))
        if open_logins and not self._hasher.busy:
            chosen = self._turns.next([(one.username, one.address) for one in open_logins])
            login = open_logins[chosen]
            question = Question(login.username, login.password, login.address)
            self._hasher.ask(question, self._credentials[login.username])

    def _undecided(self, gateway: LoginSource, waiting: list[Login]) -> Iterator[Login]:
        """Those that need a hash; the others get their verdict."""
        for login in waiting:
            verdict = self._verdict(login)
            if verdict is None:
                yield login
            elif verdict:
                if self._admit(login.connection, login.generation):
                    gateway.judge(login.connection, login.generation, True)
            else:
                self._refuse(gateway, login)

    def _not_too_many(self, gateway: LoginSource, undecided: Iterator[Login]) -> Iterator[Login]:
        """The first few of each user name and address. The others are refused: so many have time
        to be hashed before the first of them is told, and the time tells nothing of the name."""
        found: collections.Counter[tuple[str, int]] = collections.Counter()
        for login in undecided:
            found[login.username, login.address] += 1
            if found[login.username, login.address] <= WAITING_MAX:
                yield login
            else:
                self.counters.add("unjudged")
                gateway.judge(login.connection, login.generation, False)

    def _verdict(self, login: Login) -> bool | None:
        """What is known without a hash: right, wrong, or nothing."""
        credential = self._credentials.get(login.username)
        if credential is None or not credential.may_match(login.password):
            return False
        digest = self._digest(login.username, login.password)
        if digest in self._wrong:
            return False
        right = self._right.get(login.username)
        if right is None or not self._may_be_quick(login):
            return None
        matches = hmac.compare_digest(digest, right)
        if matches:
            self.counters.add("known_again")
            self._own(login.username, login.address)
        return matches

    def _may_be_quick(self, login: Login) -> bool:
        """Guessing is not made cheaper: a stranger's address has a few quick answers a second."""
        return (
            login.address in self._addresses.get(login.username, ())
            or self._wrong_of[login.address] < self._wrong_logins_max
        )

    def _refuse(self, gateway: LoginSource, login: Login) -> None:
        self._wrong_of[login.address] += 1
        self.counters.add("wrong")
        # What is no member's name may be somebody's password, typed into the wrong field.
        name = login.username if login.username in self._credentials else "an unknown user"
        address = IPv4Address(login.address)
        self._complaints.add("wrong", f"order entry: wrong login of {name} from {address}")
        gateway.judge(login.connection, login.generation, False)

    def _learn(self, answer: Answer) -> None:
        username, password, address = answer.question
        if answer.matches is None:
            self.counters.add("hash_errors")
            self._complaints.add("hash", f"order entry: cannot hash a password: {answer.error}")
            return
        self.counters.add("hashes")
        digest = self._digest(username, password)
        if answer.matches:
            self._right[username] = digest
            self._own(username, address)
            return
        if len(self._wrong) >= WRONG_MAX:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[digest] = None

    def _own(self, username: str, address: int) -> None:
        """The member has been right from this address: it is none of a stranger."""
        known = self._addresses.setdefault(username, {})
        known.pop(address, None)
        if len(known) >= ADDRESSES_MAX:
            del known[next(iter(known))]
        known[address] = None

    def _digest(self, username: str, password: str) -> bytes:
        """Of no use without the key, which never leaves this process's memory."""
        text = username.encode() + b"\0" + normal(password)
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()
