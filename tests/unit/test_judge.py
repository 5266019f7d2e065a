"""Goal: wrong logins, however many, keep no right one waiting for long, and tell nothing of names.

Method: a judge with a list of logins for a gateway, and a hasher that the test turns: what counts
is the number of hashes before a verdict, never time. The hashes themselves are real, and cheap.
"""

import hashlib
import itertools

import pytest

from ironpit.venue.authenticator import WAITING_MAX, WRONG_MAX, Judge
from ironpit.venue.credentials import HASH_BYTES, Credential, hashed, normal
from ironpit.venue.hashing import Answer, Hasher, Question

PASSWORD = "OPEN"
SECOND_NS = 1_000_000_000
HOME, AWAY, STRANGER = 0x7F000001, 0x7F000002, 0x7F000003


def cheap(password: str) -> Credential:
    """A real hash at a low cost."""
    salt, n, r = b"salt", 16, 8
    digest = hashlib.scrypt(normal(password), salt=salt, n=n, r=r, p=1, dklen=HASH_BYTES)
    return Credential(n, r, 1, salt, digest)


class HandHasher:
    """Computes at once, answers when told to; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.busy = False
        self.broken = False
        self._credential = cheap(PASSWORD)

    def ask(self, question: Question, credential: Credential) -> None:
        assert not self.busy
        self.busy = True
        self.asked.append(question)
        self._credential = credential

    def answer(self) -> Answer | None:
        if not self.busy:
            return None
        self.busy = False
        if self.broken:
            return Answer(self.asked[-1], None, "no memory")
        return Answer(self.asked[-1], self._credential.matches(self.asked[-1].password))


class Venue:
    """The gateway as the judge sees it; a turn is long enough for one hash."""

    def __init__(self, *members: str, wrong_logins_max: int = 20) -> None:
        self.hasher = HandHasher()
        self.said: list[str] = []
        self.credentials = {name: cheap(PASSWORD) for name in members or ("ALFA1", "BETA1")}
        self.judge_of = Judge(
            self.credentials,
            wrong_logins_max=wrong_logins_max,
            hasher=self.hasher,
            say=self.said.append,
        )
        self.waiting: dict[int, tuple[str, str, int]] = {}
        self.verdicts: dict[int, bool] = {}
        self._numbers = itertools.count(1)
        self.now_ns = 0

    def logins(self) -> list[tuple[int, int, str, str, int]]:
        # By place: not in the order in which they came.
        found = [(number, number, *login) for number, login in self.waiting.items()]
        return sorted(found, key=lambda login: -login[1])

    def judge(self, connection: int, generation: int, accepted: bool) -> None:
        del self.waiting[connection]
        self.verdicts[connection] = accepted

    def login(self, username: str, password: str, address: int = HOME) -> int:
        number = next(self._numbers)
        self.waiting[number] = (username, password, address)
        return number

    def turn(self, turns: int = 1) -> None:
        for _ in range(turns):
            self.judge_of.turn(self, self.now_ns)

    def hashes_until_accepted(self, number: int, turns_max: int = 100) -> int:
        before = len(self.hasher.asked)
        for _ in range(turns_max):
            self.turn()
            if number in self.verdicts:
                assert self.verdicts[number]
                return len(self.hasher.asked) - before
        raise AssertionError(f"not judged after {turns_max} turns")

    def counts(self) -> dict[str, int]:
        return self.judge_of.counters.snapshot()


def test_right_passwords_are_accepted_and_wrong_ones_refused() -> None:
    venue = Venue()
    right, wrong = venue.login("ALFA1", "open"), venue.login("BETA1", "WRONG")
    venue.turn(4)
    assert venue.verdicts == {right: True, wrong: False}
    assert venue.counts()["hashes"] == 2


def test_unknown_users_are_refused_without_a_hash() -> None:
    venue = Venue()
    numbers = [venue.login(f"X{number}", PASSWORD) for number in range(100)]
    venue.turn()
    assert venue.verdicts == dict.fromkeys(numbers, False)
    assert venue.hasher.asked == []


def test_a_member_that_was_right_is_known_again_without_a_hash() -> None:
    venue = Venue()
    venue.login("ALFA1", PASSWORD)
    venue.turn(2)
    again, elsewhere = venue.login("ALFA1", "oPEN"), venue.login("ALFA1", PASSWORD, AWAY)
    other = venue.login("BETA1", PASSWORD)
    wrong = venue.login("ALFA1", "WRONG")
    venue.turn()
    assert venue.verdicts[again]
    assert venue.verdicts[elsewhere]
    assert not venue.verdicts[wrong]
    assert other not in venue.verdicts, "another member's password is not this one's"
    assert venue.counts()["known_again"] == 3


def test_a_first_login_waits_for_few_hashes_beside_a_flood_on_another_name() -> None:
    venue = Venue()
    for number in range(64):
        venue.login("BETA1", f"W{number}")
    assert venue.hashes_until_accepted(venue.login("ALFA1", PASSWORD)) <= 3


def test_a_first_login_waits_for_few_hashes_beside_guesses_at_all_names_from_one_address() -> None:
    names = [f"M{number:04}" for number in range(100)]
    venue = Venue(*names)
    for name in names:
        venue.login(name, "WRONG", STRANGER)
    assert venue.hashes_until_accepted(venue.login(names[-1], PASSWORD)) <= 4


def test_a_first_login_waits_for_few_hashes_beside_a_flood_on_a_name_from_everywhere() -> None:
    venue = Venue()
    for address in range(1, 200):
        venue.login("BETA1", f"W{address}", address)
    assert venue.hashes_until_accepted(venue.login("ALFA1", PASSWORD)) <= 5


def test_a_first_login_waits_for_few_hashes_beside_guesses_at_itself_from_elsewhere() -> None:
    venue = Venue()
    for number in range(64):
        venue.login("ALFA1", f"W{number}", STRANGER)
    assert venue.hashes_until_accepted(venue.login("ALFA1", PASSWORD)) <= 3


def test_a_first_login_waits_for_few_hashes_beside_guesses_at_itself_from_its_own_address() -> None:
    venue = Venue()
    venue.credentials["ALFA1"] = checked = hashed(PASSWORD)
    guesses = 1_000
    for number in range(guesses):
        venue.login("ALFA1", f"W{number}")
    may_be = sum(checked.may_match(f"W{number}") for number in range(guesses))
    right = venue.login("ALFA1", PASSWORD)
    venue.turn()
    assert venue.counts()["wrong"] == guesses - may_be
    assert may_be < guesses // 16
    assert venue.counts()["unjudged"] <= may_be
    # At 300 guesses a second five of them are hashed, and the right one's turn comes.
    if right in venue.verdicts:
        right = venue.login("ALFA1", PASSWORD)
    assert venue.hashes_until_accepted(right) <= WAITING_MAX + 1


def test_nobody_waits_for_ever_while_guesses_keep_coming() -> None:
    venue = Venue()
    right = venue.login("BETA1", PASSWORD)
    for turn in range(20):
        venue.login("ALFA1", f"W{turn}")
        venue.turn()
    assert venue.verdicts[right]


def test_one_wrong_password_again_and_again_is_hashed_once() -> None:
    venue = Venue()
    for _ in range(3):
        venue.login("ALFA1", "OLD")
    venue.turn(2)
    venue.login("ALFA1", "old")
    venue.turn()
    assert list(venue.verdicts.values()) == [False] * 4
    assert len(venue.hasher.asked) == 1


def test_a_stranger_has_a_few_quick_guesses_a_second_and_then_costs_a_hash() -> None:
    venue = Venue(wrong_logins_max=3)
    venue.login("ALFA1", PASSWORD)
    venue.turn(2)
    for number in range(5):
        venue.login("ALFA1", f"W{number}", STRANGER)
    venue.turn()
    assert list(venue.verdicts.values()) == [True, False, False, False]
    assert len(venue.hasher.asked) == 2
    # At home nothing changes, however many are wrong there.
    for number in range(5):
        venue.login("ALFA1", f"V{number}")
    at_home = venue.login("ALFA1", PASSWORD)
    venue.turn()
    assert venue.verdicts[at_home]
    # The next second is a new one.
    venue.now_ns += SECOND_NS
    hashes = len(venue.hasher.asked)
    venue.turn()
    assert not venue.waiting
    assert len(venue.hasher.asked) == hashes


def test_a_stranger_that_is_right_after_all_is_let_in_by_its_hash() -> None:
    venue = Venue(wrong_logins_max=0)
    venue.login("ALFA1", PASSWORD)
    venue.turn(2)
    assert venue.hashes_until_accepted(venue.login("ALFA1", PASSWORD, AWAY)) == 1


def test_no_more_than_a_few_of_one_name_and_address_wait_for_a_hash() -> None:
    venue = Venue()
    for number in range(100):
        venue.login("ALFA1", f"W{number}", STRANGER)
    away = venue.login("ALFA1", PASSWORD, AWAY)
    venue.turn()
    assert len(venue.waiting) == WAITING_MAX + 1
    assert away in venue.waiting
    assert venue.counts()["unjudged"] == 100 - WAITING_MAX


def test_a_login_whose_connection_has_gone_is_known_at_the_next_attempt() -> None:
    venue = Venue()
    number = venue.login("ALFA1", PASSWORD)
    venue.turn()
    del venue.waiting[number]
    assert venue.hashes_until_accepted(venue.login("ALFA1", PASSWORD)) == 0


def test_a_hash_that_the_host_cannot_compute_refuses_nobody() -> None:
    venue = Venue()
    venue.hasher.broken = True
    number = venue.login("ALFA1", PASSWORD)
    venue.turn(5)
    assert number in venue.waiting
    venue.hasher.broken = False
    venue.turn(2)
    assert venue.verdicts[number]
    assert venue.counts()["hash_errors"] == 4
    assert venue.said == ["order entry: cannot hash a password: no memory"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ironpit.venue.authenticator.WRONG_MAX", 3)
    venue = Venue()
    for number in range(5):
        venue.login("ALFA1", f"W{number}")
        venue.turn(2)
    venue.login("ALFA1", "W4")
    venue.turn()
    assert len(venue.hasher.asked) == 5
    venue.login("ALFA1", "W0")
    venue.turn()
    assert len(venue.hasher.asked) == 6
    assert WRONG_MAX >= 1_000


def test_a_flood_is_one_line_that_names_members_and_addresses_but_no_unknown_user() -> None:
    venue = Venue()
    for number in range(100):
        venue.login(f"S{number}", "WRONG", STRANGER)
    venue.turn()
    assert venue.said == ["order entry: wrong login of an unknown user from 127.0.0.3"]


def test_a_socket_that_may_not_be_is_not_admitted_though_the_password_is_right() -> None:
    venue = Venue()
    judge = Judge(
        {"ALFA1": cheap(PASSWORD)}, lambda connection, generation: False, hasher=venue.hasher
    )
    venue.login("ALFA1", PASSWORD)
    for _ in range(3):
        judge.turn(venue, 0)
    assert venue.verdicts == {}


def test_the_hashers_thread_tells_right_from_wrong_and_outlives_an_error() -> None:
    hasher = Hasher()
    impossible = Credential(3, 1, 1, b"salt", bytes(HASH_BYTES))
    for credential, password, expected in (
        (cheap(PASSWORD), PASSWORD, True),
        (impossible, PASSWORD, None),
        (cheap(PASSWORD), "WRONG", False),
    ):
        hasher.ask(Question("ALFA1", password, HOME), credential)
        answer = None
        while answer is None:
            assert hasher.busy
            answer = hasher.answer()
        assert answer.matches is expected
        assert not hasher.busy
