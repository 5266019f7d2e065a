"""Goal: commands answer with the documented exit codes and one clear line for what a user can mend.

Method: the entry point called in this process, its output captured.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.config.test_config_load import VALID, VENUES

from ironpit.cli import COMMANDS, main
from ironpit.common import output
from ironpit.config import load


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([command, "--help"])
    assert raised.value.code == 0
    assert "exit codes" in capsys.readouterr().out


def test_help_loads_nothing_that_takes_long_to_load() -> None:
    code = (
        "import sys; from ironpit.cli import main\n"
        "slow = {'numpy', 'psutil', 'yaml', 'msgspec'}\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["run"], ["config", "check"], ["--orders"]])
def test_wrong_arguments_exit_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(argv)
    assert raised.value.code == 2


def test_a_valid_configuration_exits_0_and_a_wrong_one_2_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "venue.yaml"
    file.write_text(VALID)
    assert main(["config", "check", str(file)]) == 0
    assert "valid; venue TEST" in capsys.readouterr().out
    file.write_text(VALID.replace("64MiB", "64MB"))
    assert main(["config", "check", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"{file}:10: streams.events.capacity: found '64MB'")


def test_the_problems_of_a_configuration_are_there_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "venue.yaml"
    file.write_text(VALID.replace("64MiB", "64MB"))
    assert main(["config", "check", "--json", str(file)]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["line"], problem["key"]) == (10, "streams.events.capacity")


STREAM = """  market_data:
    transport: {transport}
    capacity: 3MiB
    a: {{group: 239.192.0.1:26400, interface: {interface}}}
    rerequest: {{listen: "192.0.2.1:26500"}}
    listen: "192.0.2.1:26501"
"""


@pytest.mark.parametrize(
    ("transport", "interface", "expected"),
    [
        ("multicast", "nothere0", ["a.interface: found 'nothere0', expected an interface of",
                                   "rerequest.listen: found 192.0.2.1:26500, expected an"]),
        ("multicast", "192.0.2.7", ["a.interface: found '192.0.2.7', expected an address of",
                                    "rerequest.listen: found 192.0.2.1:26500, expected an"]),
        ("tcp", "nothere0", ["listen: found 192.0.2.1:26501, expected an address of this host"]),
        ("shm", "nothere0", []),
    ],
)  # fmt: skip
def test_what_this_host_lacks_is_a_warning_and_an_error_where_it_is_to_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    transport: str,
    interface: str,
    expected: list[str],
) -> None:
    before, rest = VALID.split("  market_data:", 1)
    after = rest[rest.index("\njournal:") + 1 :]
    file = tmp_path / "venue.yaml"
    file.write_text(before + STREAM.format(transport=transport, interface=interface) + after)
    assert main(["config", "check", str(file)]) == 0
    lines = capsys.readouterr().err.splitlines()
    warnings = [line for line in lines if ": warning: " in line]
    assert len(warnings) == len(expected)
    for line, text in zip(warnings, expected, strict=True):
        assert f": warning: streams.market_data.{text}" in line
        assert line.startswith(f"{file}:1")
    assert main(["config", "check", "--this-host", "--json", str(file)]) == (3 if expected else 0)
    found = json.loads(capsys.readouterr().out)
    assert [warning["text"] for warning in found["warnings"]] == [
        line.split(": ", 3)[3] for line in warnings
    ]
    rounded = [note["key"] for note in found["notes"]]
    assert rounded == (["streams.market_data.capacity"] if transport == "shm" else [])


def test_a_group_that_the_interface_has_no_way_to_is_doubted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(group: object) -> str:
        return "Network is unreachable"

    monkeypatch.setattr("ironpit.transport.host.no_way", unreachable)
    file = tmp_path / "venue.yaml"
    file.write_text(VALID)
    assert main(["config", "check", str(file)]) == 0
    assert "streams.market_data.a: no route to 239" in capsys.readouterr().err


def test_a_certificate_that_is_not_there_is_doubted_by_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = "certificate: here.pem, key: here.key, client_ca: here-ca.pem"
    stream = f"  far: {{transport: tcp, listen: 127.0.0.1:26700, tls: {{{files}}}}}\n"
    file = tmp_path / "venue.yaml"
    file.write_text(
        VALID.replace("streams:\n", f"streams:\n{stream}").replace(
            "publisher]", "publisher, bridge]"
        )
    )
    assert main(["config", "check", str(file)]) == 0
    missing = f"streams.far.tls.certificate: {tmp_path / 'here.pem'}: No such file or directory"
    assert f"warning: {missing}" in capsys.readouterr().err
    assert main(["config", "check", "--this-host", str(file)]) == 3


def test_a_capacity_that_is_rounded_up_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "venue.yaml"
    file.write_text(VALID.replace("64MiB", "48MiB"))
    assert main(["config", "check", str(file)]) == 0
    note = "note: streams.events.capacity: 48MiB rounded up to 64MiB, a power of two"
    assert f"{file}:10: {note}" in capsys.readouterr().err


def test_memory_that_the_host_cannot_lock_or_has_no_node_for_is_doubted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = tmp_path / "status"
    monkeypatch.setattr("ironpit.venue.host_check.STATUS", status)
    monkeypatch.setattr("resource.getrlimit", lambda _: (65_536, 65_536))
    file = tmp_path / "venue.yaml"
    file.write_text(VALID.replace("64MiB", "64MiB, lock: require, numa_node: 1000"))
    for capabilities, doubted in (("0000000000000000", 2), ("0000000000004000", 1)):
        status.write_text(f"Name:\tx\nCapEff:\t{capabilities}\n")
        assert main(["config", "check", "--this-host", str(file)]) == 3
        said = capsys.readouterr().err
        memory = [line for line in said.splitlines() if "streams.events." in line]
        assert len(memory) == doubted, said
        assert "streams.events.numa_node: found 1000, expected one of this host's nodes" in said
        assert ("streams.events.lock: found RLIMIT_MEMLOCK 65536 bytes" in said) == (doubted == 2)


def test_two_configurations_are_compared_as_text_and_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [str(VENUES / "cloud.yaml"), str(VENUES / "laptop.yaml")]
    assert main(["config", "diff", *files]) == 0
    assert "journal.durability: before-reply → interval\n" in capsys.readouterr().out
    assert main(["config", "diff", "--json", *files]) == 0
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert {"key": "venue.name", "a": "CLOUD", "b": "LAPTOP"} in changes


def test_a_password_is_taken_from_standard_input_and_never_from_the_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from io import StringIO

    from ironpit.venue import credentials

    file = tmp_path / "venue.yaml"
    file.write_text(VALID)
    monkeypatch.setattr(sys, "stdin", StringIO("SECRET1\n"))
    assert main(["credentials", "set", "alfa1", "-c", str(file)]) == 0
    assert credentials.load(tmp_path / "credentials.yaml")["ALFA1"].matches("SECRET1")
    monkeypatch.setattr(sys, "stdin", StringIO("SECRET1\n"))
    assert main(["credentials", "set", "GAMA1", "-c", str(file)]) == 2
    assert "found no GAMA1, expected one of ALFA1" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["credentials", "set", "ALFA1", "SECRET1", "-c", str(file)])


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (16_400, "16.4 µs"),
        (1_200_000, "1.2 ms"),
        (3 * 10**9, "3.0 s"),
    ],
)
def test_a_duration_is_shown_in_the_unit_that_a_person_reads(value_ns: int, text: str) -> None:
    assert output.show_ns(value_ns) == text


def test_a_table_aligns_its_columns() -> None:
    text = output.table([["p50", "1.0 µs"], ["p99.99", "12.0 µs"]], ["percentile", "time"])
    assert text.splitlines() == [
        "percentile     time",
        "──────────  ───────",
        "p50          1.0 µs",
        "p99.99      12.0 µs",
    ]


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with output.Progress() as progress:
        progress.show("sending", 5, 10)
    assert capsys.readouterr().err == ""


def test_credentials_that_a_start_would_refuse_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "venue.yaml"
    file.write_text(VALID)
    credentials = load(file).credentials
    credentials.write_text("MEM1: x\n")
    credentials.chmod(0o644)
    assert main(["config", "check", "--this-host", str(file)]) == 3
    assert f"credentials: {credentials}: found mode 0644, expected 0600" in capsys.readouterr().err
    credentials.chmod(0o600)
    assert main(["config", "check", "--this-host", str(file)]) == 3
    assert "credentials" in capsys.readouterr().err
