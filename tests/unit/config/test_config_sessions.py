"""Goal: the stream says of a session what its configuration says.

Method: the commands that a small valid file adds to an empty stream, decoded.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.config.test_config_load import VALID, load_text

from ironcore.wire import record
from ironpit.common.errors import UserError
from ironpit.config import protocol_kinds
from ironpit.venue.definitions import Definitions


def sessions(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    commands = Definitions().missing(load_text(tmp_path, text))
    decoded = [record.decode_frame(command)[0] for command in commands]
    return [command for command in decoded if command["kind"] == "DefineSession"]


def test_a_session_is_defined_with_its_firms_and_its_protocol(tmp_path: Path) -> None:
    more = "firm: ALFA, clearing_firm: CLEARING, cancel_on_disconnect: true, stp_group: 7}"
    (session,) = sessions(tmp_path, VALID.replace("firm: ALFA}", more))
    assert {
        "session": 1,
        "username": "ALFA1",
        "firm": "ALFA",
        "clearing_firm": "CLEARING",
        "cancel_on_disconnect": 1,
        "protocol": protocol_kinds.kind_of("ouch").number,
        "stp_group": 7,
        "stp_mode": "-",
    }.items() <= session.items()


def test_without_a_clearing_firm_there_is_none(tmp_path: Path) -> None:
    (session,) = sessions(tmp_path, VALID)
    assert session["clearing_firm"] == ""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("firm: ALFA}", "firm: BETA}", "sessions[0].firm: found BETA, expected ALFA as in the jou"),
        (
            "firm: ALFA}",
            "firm: ALFA, clearing_firm: BANK}",
            "sessions[0].clearing_firm: found BANK, expected null as in the journal",
        ),
        (
            "firm: ALFA}",
            "firm: ALFA, stp_mode: cancel-both}",
            "sessions[0].stp_mode: found cancel-both, expected none as in the journal",
        ),
        (
            "firm: ALFA}",
            "firm: ALFA, cancel_on_disconnect: true}",
            "sessions[0].cancel_on_disconnect: found true, expected false as in the journal",
        ),
        ("BTCUSD", "ETHUSD", "instruments[0].symbol: found ETHUSD, expected BTCUSD as in the"),
    ],
)
def test_what_a_start_finds_changed_is_named_with_both_values(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    definitions = Definitions()
    for command in definitions.missing(load_text(tmp_path, VALID)):
        definitions.observe(command)
    assert VALID.count(before) == 1
    with pytest.raises(UserError, match=re.escape(said)):
        definitions.missing(load_text(tmp_path, VALID.replace(before, after)))
