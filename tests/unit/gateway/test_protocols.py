"""Goal: a protocol is one line of a table and one room, and everything else follows from the two.

Method: the table against the rooms, against docs/CONFIG.md, and against what a gateway says of
itself.
"""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.config.test_config_load import VALID, load_text

from ironcore.order_entry.protocol import OrderEntryProtocol
from ironpit.config import ConfigError, gateways, protocol_kinds
from ironpit.venue.stages.gateway import Builder, protocol_of

ROOT = Path(__file__).parents[3]
ROOMS = ROOT / "pyx/ironcore/order_entry"
ROW = re.compile(r"^\| ([a-z0-9-]+) \| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("name", protocol_kinds.NAMES)
def test_a_protocol_is_the_object_of_its_room(name: str) -> None:
    protocol = protocol_of(name)
    assert isinstance(protocol, OrderEntryProtocol)
    assert protocol.name == name


def test_every_room_is_in_the_table() -> None:
    rooms = {file.parent.name for file in ROOMS.glob("*/protocol.pyx")}
    assert rooms == set(protocol_kinds.NAMES)


def test_the_document_lists_the_protocols() -> None:
    text = (ROOT / "docs/CONFIG.md").read_text()
    table = text.split("| protocol | |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    rows = [(kind.name, kind.words) for kind in protocol_kinds.KINDS]
    assert ROW.findall(f"{table}\n") == rows


def test_a_sessions_protocol_is_its_gateways(tmp_path: Path) -> None:
    config = load_text(tmp_path, VALID)
    (session,) = config.sessions
    assert gateways.of_session(config, session).protocol == config.order_entry.protocol == "ouch"


def test_a_protocol_that_is_none_is_refused_in_the_short_form(tmp_path: Path) -> None:
    listen = "{listen: 127.0.0.1:26100}"
    with pytest.raises(
        ConfigError, match=r"order_entry.protocol: found 'fix', expected one of ouch"
    ):
        load_text(tmp_path, VALID.replace(listen, f"{listen[:-1]}, protocol: fix}}"))


def test_a_gateway_says_which_protocol_it_speaks(tmp_path: Path) -> None:
    (only,) = load_text(tmp_path, VALID).gateways
    built: Any = SimpleNamespace(gateway=only)
    described = Builder.describe(built)
    assert described == {"protocol": "ouch", "listens": "127.0.0.1:26100", "source": "1"}
