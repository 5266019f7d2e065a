"""Goal: two listeners that ask for a port one after the other do not get the same.

Method: a choice that says the same port twice.
"""

import pytest

from ironpit.demo import temporary_venue


def test_a_port_that_was_given_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = temporary_venue.free_port(), temporary_venue.free_port()
    temporary_venue._PORTS_GIVEN.clear()
    said = iter((first, first, other))
    monkeypatch.setattr("secrets.choice", lambda below: next(said))
    assert [temporary_venue.free_port(), temporary_venue.free_port()] == [first, other]
