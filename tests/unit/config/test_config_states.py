"""The states that a configuration and an operator may name are those that the core has."""

from typing import get_args

from ironpit.cli import control
from ironpit.config.schema import InitialState
from ironpit.library import InstrumentState
from ironpit.venue.definitions import STATES


def test_each_door_names_every_state_but_retired() -> None:
    names = {state.name.lower().replace("_", "-") for state in InstrumentState} - {"retired"}
    assert set(get_args(InitialState)) == names
    assert set(control.STATES) == names
    assert {name: ord(code) for name, code in STATES.items()} == {
        name: InstrumentState[name.upper().replace("-", "_")] for name in names
    }
