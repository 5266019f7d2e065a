"""Judges members' logins beside the gateway's thread, which never waits for a password hash."""

import heapq
from collections.abc import Callable
from typing import Protocol

from ironpit.credentials import Credential, hashed

FAILURES_MAX = 10_000  # user names remembered as refused lately

Verdict = tuple[int, int, int]  # when it is due (monotonic ns), connection, generation
Admit = Callable[[int, int], bool]  # of a connection with the right password; or it is refused


class LoginSource(Protocol):
    """The gateway, as the judge sees it."""

    def logins(self) -> list[tuple[int, int, str, str]]: ...
    def judge(self, connection: int, generation: int, accepted: bool) -> None: ...


class Judge:
    """Answers logins; refusals come after a delay, so that guessing is slow.

    An unknown user costs the same hash as a known one: the time of the answer does not tell them
    apart.
    """

    def __init__(
        self,
        credentials: dict[str, Credential],
        failed_login_delay_ns: int,
        admit: Admit = lambda connection, generation: True,
    ) -> None:
        self._credentials = credentials
        self._nobody = hashed("nobody")
        self._delay_ns = failed_login_delay_ns
        self._admit = admit
        self._refusals: list[Verdict] = []
        self._seen: set[tuple[int, int]] = set()
        self._failures: dict[str, int] = {}

    def turn(self, gateway: LoginSource, now_ns: int) -> None:
        """Refuse what is due and judge one login that waits.

        One a turn: the process's own thread has other duties between two hashes. Users that were
        refused lately come last, so that those who guess do not lock the others out.
        """
        while self._refusals and self._refusals[0][0] <= now_ns:
            _, connection, generation = heapq.heappop(self._refusals)
            self._seen.discard((connection, generation))
            gateway.judge(connection, generation, False)
        waiting = [login for login in gateway.logins() if login[:2] not in self._seen]
        if not waiting:
            return
        connection, generation, username, password = min(
            waiting, key=lambda login: (self._failures.get(login[2], 0), login[1])
        )
        credential = self._credentials.get(username, self._nobody)
        if credential.matches(password) and credential is not self._nobody:
            self._failures.pop(username, None)
            if self._admit(connection, generation):
                gateway.judge(connection, generation, True)
            return
        if len(self._failures) >= FAILURES_MAX:
            self._failures.clear()
        self._failures[username] = self._failures.get(username, 0) + 1
        self._seen.add((connection, generation))
        heapq.heappush(self._refusals, (now_ns + self._delay_ns, connection, generation))
