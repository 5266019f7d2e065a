"""Judges members' logins beside the gateway's thread, which never waits for a password hash."""

import heapq
from typing import Protocol

from ironpit.credentials import Credential, hashed

Verdict = tuple[int, int, int]  # when it is due (monotonic ns), connection, generation


class LoginSource(Protocol):
    """The gateway, as the judge sees it."""

    def logins(self) -> list[tuple[int, int, str, str]]: ...
    def judge(self, connection: int, generation: int, accepted: bool) -> None: ...


class Judge:
    """Answers logins; refusals come after a delay, so that guessing is slow.

    An unknown user costs the same hash as a known one: the time of the answer does not tell them
    apart.
    """

    def __init__(self, credentials: dict[str, Credential], failed_login_delay_ns: int) -> None:
        self._credentials = credentials
        self._nobody = hashed("nobody")
        self._delay_ns = failed_login_delay_ns
        self._refusals: list[Verdict] = []
        self._seen: set[tuple[int, int]] = set()

    def turn(self, gateway: LoginSource, now_ns: int) -> None:
        """Answer what waits and refuse what is due."""
        while self._refusals and self._refusals[0][0] <= now_ns:
            _, connection, generation = heapq.heappop(self._refusals)
            self._seen.discard((connection, generation))
            gateway.judge(connection, generation, False)
        for connection, generation, username, password in gateway.logins():
            if (connection, generation) in self._seen:
                continue
            credential = self._credentials.get(username, self._nobody)
            right = credential.matches(password) and credential is not self._nobody
            if right:
                gateway.judge(connection, generation, True)
            else:
                self._seen.add((connection, generation))
                heapq.heappush(self._refusals, (now_ns + self._delay_ns, connection, generation))
