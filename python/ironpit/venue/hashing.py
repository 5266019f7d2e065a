"""Computes password hashes on a thread of its own: one at a time, for whoever asks."""

import queue
import threading
from typing import NamedTuple, Protocol

from ironpit.venue.credentials import Credential


class Question(NamedTuple):
    """Whether the password is this user's; address: who asks."""

    username: str
    password: str
    address: int


class Answer(NamedTuple):
    """The hash is compared; matches is None where the host could not compute it."""

    question: Question
    matches: bool | None
    error: str = ""


class Hashing(Protocol):
    """One hash at a time, computed elsewhere."""

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come, or to be taken."""

    def ask(self, question: Question, credential: Credential) -> None:
        """Begin; only when not busy."""

    def answer(self) -> Answer | None:
        """What has come of it, once."""


class Hasher:
    """The thread begins with the first question, so that it runs where the one that asks may run,
    and never on the cores of the stages. While it computes, Python's other threads go on."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[tuple[Question, Credential]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.busy = False

    def ask(self, question: Question, credential: Credential) -> None:
        """Begin; only when not busy."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="password-hash", daemon=True)
            self._thread.start()
        self.busy = True
        self._questions.put((question, credential))

    def answer(self) -> Answer | None:
        """What has come of it, once."""
        try:
            found = self._answers.get_nowait()
        except queue.Empty:
            return None
        self.busy = False
        return found

    def _run(self) -> None:
        while True:
            question, credential = self._questions.get()
            try:
                self._answers.put(Answer(question, credential.matches(question.password)))
            except (MemoryError, OSError, ValueError) as error:
                # A hash takes 16 MiB for a moment.
                self._answers.put(Answer(question, None, str(error) or type(error).__name__))
