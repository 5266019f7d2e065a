"""Goal: `bench match --compare` runs any program that speaks docs/COMPARE.md beside our core.

Method: the example peer is compiled and run; faulty peers are one-line programs. What a peer is
sent is compared with the flow that it is made from. No figure is judged.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ironpit.bench.match import Plan, run, text_of
from ironpit.bench.peer import MESSAGE, QUEUED, QUEUED_TIMED, Peer, messages_of
from ironpit.cli import main
from ironpit.common.errors import UserError
from ironpit.flow import generate
from ironpit.flow.markets import market
from ironpit.flow.operations import CANCEL, ENTER, IMMEDIATE_OR_CANCEL, REPLACE

SOURCE = Path(__file__).parents[2] / "doubles" / "compare_peer.c"


@pytest.fixture(scope="module")
def peer_command(tmp_path_factory: pytest.TempPathFactory) -> str:
    program = tmp_path_factory.mktemp("peer") / "peer"
    subprocess.run(
        ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", SOURCE, "-o", program],
        check=True,
    )
    return str(program)


def test_a_peer_says_its_name_and_what_it_does_not_do(peer_command: str) -> None:
    with Peer(peer_command) as peer:
        assert peer.name == "counting peer"
        assert not peer.load_itch(b"\0\0" * 50_000)
        assert peer.load_orders(generate(2, 100), 0, 100)


def test_a_peer_runs_what_it_was_given_as_often_as_it_is_asked(peer_command: str) -> None:
    flow = generate(2, 5_000)
    with Peer(peer_command) as peer:
        peer.load_orders(flow, 1_000, 5_000)
        answers = [peer.run(way) for way in (QUEUED, QUEUED_TIMED, QUEUED)]
    assert [answer.messages for answer in answers] == [4_000] * 3
    latencies = answers[1].latencies
    assert answers[0].latencies is None
    assert latencies is not None
    assert latencies.sum() == 4_000
    rows = flow.operations
    resting = (rows["kind"] == ENTER) & (rows["time_in_force"] != IMMEDIATE_OR_CANCEL)
    whole = (rows["kind"] == CANCEL) & (rows["quantity"] == 0)
    assert {answer.orders_live for answer in answers} == {int(resting.sum() - whole.sum())}


def test_messages_say_what_the_operations_do_and_each_order_keeps_one_number() -> None:
    flow = generate(3, 20_000, seed=4)
    numbers: dict[tuple[int, int], int] = {}
    totals: dict[int, int] = {}
    for operation, message in zip(flow.operations, messages_of(flow), strict=True):
        session, kind = int(operation["session"]), int(operation["kind"])
        own = (session, int(operation["user_ref"]))
        quantity = int(operation["quantity"])
        if kind == ENTER:
            numbers[own] = len(totals) + 1
            totals[numbers[own]] = quantity
            expected = ("A", quantity)
        elif kind == REPLACE:
            numbers[own] = numbers[session, int(operation["orig_user_ref"])]
            totals[numbers[own]] = quantity
            expected = ("U", quantity)
        elif quantity:
            expected = ("D", totals[numbers[own]] - quantity)
            totals[numbers[own]] = quantity
        else:
            expected = ("C", 0)
        assert (chr(message["kind"]), message["quantity"]) == expected
        assert message["order"] == numbers[own]
        assert message["side"] in b"BS"
        if kind != CANCEL:
            assert (message["side"], message["price"]) == (
                operation["side"],
                operation["price"],
            )
    assert MESSAGE.itemsize == 32


def test_the_report_sets_a_peer_beside_our_figures_and_says_that_it_did_other_work(
    peer_command: str,
) -> None:
    report = run(Plan(messages=3_000, rounds=2, workloads="fixed", compare=(peer_command,)))
    (found,) = report["workloads"]
    (peer,) = found["peers"]
    assert peer["peer"] == "counting peer"
    assert not peer["agrees"]
    for way in ("queued", "one_at_a_time"):
        rate = peer[way]
        # A round that the machine stalled can be so slow that its ratio is rounded to 0.
        assert 0 <= rate["times_as_fast_min"] <= rate["times_as_fast"] <= rate["times_as_fast_max"]
        assert rate["latency_part"]["p99_9"] > 0
    text = text_of(report)
    assert "counting peer did other work: 0 executions" in text
    json.dumps(report)


def test_the_command_line_takes_several_peers(
    peer_command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", "match", "--messages", "1000", "--rounds", "1", "--workloads", "fixed"]
    peers = ["--compare", peer_command, "--compare", peer_command]
    assert main([*arguments, *peers, "--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["workloads"][0]["peers"]) == 2


def test_a_peer_that_dies_at_work_is_reported_and_the_others_go_on(
    peer_command: str, tmp_path: Path
) -> None:
    mortal = tmp_path / "mortal.py"
    mortal.write_text(
        "import sys, struct\n"
        "while head := sys.stdin.buffer.read(64):\n"
        "    kind, payload = struct.unpack_from('<4xIQ', head)\n"
        "    sys.stdin.buffer.read(payload)\n"
        "    if kind == 4: break\n"
        "    name = b'mortal' if kind == 1 else b''\n"
        "    reply = struct.pack('<4sI8Q', b'IPM1', 0, len(name), *7 * [0])\n"
        "    sys.stdout.buffer.write(reply + name)\n"
        "    sys.stdout.buffer.flush()\n"
    )
    commands = (f"{sys.executable} {mortal}", peer_command)
    report = run(Plan(messages=2_000, rounds=1, workloads="fixed,routine", compare=commands))
    for found in report["workloads"]:
        first, second = found["peers"]
        assert "ended without a reply" in first["failed"]
        assert second["queued"]["messages_per_s"] > 0
    assert "mortal failed" in text_of(report)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("pass", "ended"),
        ("import sys; sys.stdin.buffer.read(64); sys.stdout.write('x' * 72)", "start of a reply"),
        (
            "import sys, struct; sys.stdin.buffer.read(64);"
            "sys.stdout.buffer.write(struct.pack('<4sI8Q', b'IPM1', 0, 9, *7 * [0]))",
            "ended within a reply",
        ),
    ],
)
def test_a_faulty_peer_is_named_with_its_fault(program: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Peer(f'{sys.executable} -c "{program}"')


def test_a_peer_that_cannot_be_started_is_named() -> None:
    with pytest.raises(UserError, match="no-such-program"):
        Peer("/no-such-program --fast")


def test_orders_of_the_opening_are_sent_but_not_counted(peer_command: str) -> None:
    found = market("fixed", 2, 2_000, 1)
    with Peer(peer_command) as peer:
        peer.load_orders(found.flow, 500, 2_000)
        answer = peer.run(QUEUED_TIMED)
    assert answer.messages == 1_500
    assert answer.latencies is not None
    assert int(np.sum(answer.latencies)) == 1_500
