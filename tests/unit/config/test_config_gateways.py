"""Goal: a file has one gateway in the short form or several by name, and the venue sees one form.

Method: the small valid file in either form, changed in one place at a time.
"""

from pathlib import Path

import pytest
from tests.unit.config.test_config_load import VALID, load_text, problems

from ironpit.config import gateways, ring_directory, stage_kinds
from ironpit.config.diff import flatten

NAMED = (
    VALID.replace(
        "order_entry: {listen: 127.0.0.1:26100}\n",
        "gateways:\n"
        "  east: {listen: 127.0.0.1:26100, orders: {path: east.ring}}\n"
        "  west: {listen: 127.0.0.1:26101, heartbeat: 2s, orders: {path: west.ring}}\n",
    )
    .replace("  orders: {transport: shm, path: orders.ring}\n", "")
    .replace("firm: ALFA}\n", "firm: ALFA}\n  - {username: BETA1, firm: BETA, gateway: west}\n")
)


def test_the_short_form_is_one_gateway(tmp_path: Path) -> None:
    config = load_text(tmp_path, VALID)
    (only,) = config.gateways
    assert (only.name, only.stage, only.source) == ("gateway", "gateway", 1)
    assert only.settings is config.order_entry
    assert only.orders is config.streams.orders
    assert only.protocol == "ouch"


def test_named_gateways_are_numbered_in_the_order_of_the_file(tmp_path: Path) -> None:
    config = load_text(tmp_path, NAMED)
    east, west = config.gateways
    rings = ring_directory(tmp_path / "data")
    assert [(g.stage, g.source, g.protocol, g.orders.path) for g in (east, west)] == [
        ("gateway-east", 1, "ouch", rings / "east.ring"),
        ("gateway-west", 2, "ouch", rings / "west.ring"),
    ]
    assert (west.settings.heartbeat_ns, west.orders.capacity_bytes) == (2 * 10**9, 4 << 20)
    assert config.order_entry is east.settings
    homes = [gateways.of_session(config, session) for session in config.sessions]
    assert [(s.username, home.name) for s, home in zip(config.sessions, homes, strict=True)] == [
        ("ALFA1", "east"),
        ("BETA1", "west"),
    ]


def test_a_named_gateway_is_an_instance_of_its_stage(tmp_path: Path) -> None:
    config = load_text(tmp_path, NAMED)
    (process,) = config.placement.processes.values()
    names = ("gateway-east", "gateway-west", "matcher", "journal", "publisher")
    assert stage_kinds.stages_on(config, process.threads[0]) == names
    assert {"gateway-east", "gateway-west"} < set(stage_kinds.readers(config))


def test_both_forms_are_told_apart_key_by_key(tmp_path: Path) -> None:
    short, named = flatten(load_text(tmp_path, VALID)), flatten(load_text(tmp_path, NAMED))
    assert short["order_entry.listen"] == named["gateways.east.listen"] == "127.0.0.1:26100"
    assert named["sessions[BETA1].gateway"] == "west"


@pytest.mark.parametrize(
    ("found", "replacement", "message"),
    [
        (
            "gateways:",
            "order_entry: {listen: 127.0.0.1:26102}\ngateways:",
            "order_entry: found order_entry and gateways, expected one",
        ),
        (
            "  events:",
            "  orders: {path: orders.ring}\n  events:",
            "12: streams.orders: found it together with gateways, expected gateways.NAME",
        ),
        (
            "gateway: west",
            "gateway: north",
            "6: sessions[1].gateway: found 'north', expected one of east, west",
        ),
        (
            "26101",
            "26100",
            "gateways.west.listen: found 127.0.0.1:26100, expected an address of it",
        ),
        (
            "west.ring",
            "east.ring",
            "10: gateways.west.orders.path: found 'east.ring', expected a f",
        ),
        (
            "  west:",
            "  West:",
            "gateways.West: found 'West', expected a name of 1 to 15 characters",
        ),
        (
            "heartbeat: 2s",
            "heartbeat: 2s, peer_timeout: 1s",
            "10: gateways.west.peer_timeout: foun",
        ),
        (
            "heartbeat: 2s",
            "protocol: fix",
            "10: gateways.west.protocol: found 'fix', expected one of ouch",
        ),
        (", orders: {path: east.ring}", "", "9: gateways.east.orders: found nothing, expected a m"),
        (
            "path: west.ring",
            "path: west.ring, capacity: 128MiB",
            "found 64MiB, expected at least gateways.west.orders.capacity = 128MiB",
        ),
        ("[gateway,", "[gateway-east,", "found no thread with stage 'gateway-west'"),
        ("[gateway,", "[gateway-north,", "found 'gateway-north', expected one of gateway-east, g"),
    ],
)
def test_gateways_that_cannot_be_are_named(
    tmp_path: Path, found: str, replacement: str, message: str
) -> None:
    assert found in NAMED
    lines = problems(tmp_path, NAMED.replace(found, replacement, 1))
    assert any(message in line for line in lines), lines


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            "order_entry: {listen: 127.0.0.1:26100}\n",
            "order_entry: found nothing, expected a mapping here, or gateways",
        ),
        (
            "  orders: {transport: shm, path: orders.ring}\n",
            "streams.orders: found nothing, expected a mapping",
        ),
    ],
)
def test_a_file_without_a_gateway_is_refused(tmp_path: Path, found: str, message: str) -> None:
    assert found in VALID
    (line,) = problems(tmp_path, VALID.replace(found, ""))
    assert message in line
