"""Goal: options and profiles are whole, wrong ones are named, and what cannot be accelerated is
recognised before it is started.

Method: the data files themselves, and interpreters that the test makes.
"""

import os
import shutil
import struct
import sys
from pathlib import Path

import pytest
from tests.venue import write_config

from ironpit import config
from ironpit.common.errors import Exit, UserError
from ironpit.config import ConfigError
from ironpit.config.schema import OnloadProfile
from ironpit.onload import launch, options
from ironpit.onload.library import Library


def test_every_option_has_a_default_that_it_takes() -> None:
    known = options.known_options()
    assert len(known) > 50
    for option in known.values():
        assert option.takes(str(option.default)), option
        assert option.meaning
        assert option.scope in ("stack", "process")


def test_every_profile_is_made_of_known_options_and_has_a_source() -> None:
    profiles = options.profiles()
    assert set(profiles) == set(OnloadProfile.__args__)  # type: ignore[attr-defined]
    for profile in profiles.values():
        assert list(options.violations(profile.options)) == []
        assert profile.source
        assert profile.summary
    assert profiles["latency"].options["EF_POLL_USEC"] == "100000"
    assert profiles["latency-best"].options["EF_CTPIO_MODE"] == "ct"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("EF_POLL_USE", "1", "EF_POLL_USEC"),
        ("XYZ", "1", "an option of Onload (EF_...)"),
        ("EF_POLL_USEC", "-1", "an integer from 0 to 2147483647"),
        ("EF_POLL_USEC", "fast", "an integer from 0 to 2147483647"),
        ("EF_MAX_PACKETS", "1023", "an integer from 1024 to 2147483647"),
        ("EF_CTPIO_MODE", "st", "one of sf, sf-np, ct"),
        ("EF_INTERFACE_WHITELIST", "eth0;rm", "a text without blanks"),
    ],
)
def test_a_wrong_option_is_named(name: str, value: str, expected: str) -> None:
    [(found, _, wanted)] = options.violations({name: value})
    assert (found, wanted) == (name, expected)


@pytest.mark.parametrize(("name", "value"), [("EF_SPIN_USEC", "-1"), ("EF_RX_DATAPATH", "express")])
def test_the_ends_of_a_range_are_in_it(name: str, value: str) -> None:
    assert list(options.violations({name: value})) == []


def test_a_configurations_errors_have_key_and_line(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    lines = file.read_text().count("\n")
    with open(file, "a") as more:
        more.write("onload:\n  profile: fastest\n  options:\n    EF_PIO: 9\n")
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    assert "onload.profile: found 'fastest', expected one of latency" in str(caught.value)
    file.write_text(file.read_text().replace("fastest", "latency"))
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    [problem] = caught.value.problems
    assert (problem.line, problem.key) == (lines + 4, "onload.options.EF_PIO")


def test_an_operators_own_options_are_in_front_of_the_profiles() -> None:
    merged = options.merged("latency", {"EF_POLL_USEC": "5"})
    assert merged["EF_POLL_USEC"] == "5"
    assert merged["EF_STACK_PER_THREAD"] == "1"
    assert options.merged(None, {}) == {}
    text = options.as_launcher_profile(merged, "why")
    assert text.startswith("# why\nonload_set EF_POLL_USEC 5\n")


def test_doubtful_options_of_the_environment_are_named() -> None:
    environment = {"EF_TYPO": "1", "EF_PIO": "1", "HOME": "/"}
    [doubt] = launch.doubtful_options(environment)
    assert doubt.startswith("environment: EF_TYPO: found an unknown option")


def test_this_interpreter_is_not_static_and_a_static_program_is(tmp_path: Path) -> None:
    assert not launch.is_static(sys.executable)
    assert not launch.is_static(__file__)
    assert not launch.is_static(str(tmp_path / "absent"))
    # The same program, with the entry that names its loader (PT_INTERP) made one of no kind.
    image = bytearray(Path(os.path.realpath(sys.executable)).read_bytes())
    (table,) = struct.unpack_from("<Q", image, 32)
    entry_bytes, entries = struct.unpack_from("<HH", image, 54)
    for at in range(table, table + entry_bytes * entries, entry_bytes):
        if struct.unpack_from("<I", image, at) == (launch.PT_INTERP,):
            struct.pack_into("<I", image, at, 0)
    program = tmp_path / "static"
    program.write_bytes(image)
    assert launch.is_static(str(program))
    reasons = list(launch.blockers(Library("absent"), str(program)))
    assert any("statically linked" in reason for reason in reasons)


def test_a_library_that_came_late_is_a_blocker() -> None:
    [reason] = launch.blockers(Library("late", "/opt/libonload.so"))
    assert reason.startswith("/opt/libonload.so was loaded after the start")


def test_rights_of_the_file_are_told(tmp_path: Path) -> None:
    copy = tmp_path / "python"
    shutil.copy2(os.path.realpath(sys.executable), copy)
    assert list(launch.privileges_of(str(copy))) == []
    copy.chmod(0o4755)
    [reason] = launch.privileges_of(str(copy))
    assert "set-user-id" in reason


@pytest.mark.needs_root
def test_file_capabilities_are_told(tmp_path: Path) -> None:
    copy = tmp_path / "python"
    shutil.copy2(os.path.realpath(sys.executable), copy)
    # VFS_CAP_REVISION_2, effective; CAP_SYS_NICE permitted (linux/capability.h)
    os.setxattr(copy, launch.CAPABILITIES, struct.pack("<5I", 0x02000001, 1 << 23, 0, 0, 0))
    [reason] = launch.privileges_of(str(copy))
    assert f"setcap -r {copy}" in reason


@pytest.mark.parametrize(
    ("mark", "profile"),
    [
        (f"latency@{os.getpid()}", "latency"),
        (f"latency@{os.getppid()}", "latency"),  # a child of the process that was launched
        ("latency@1", None),
        ("latency", None),  # a variable of the operator's shell
        ("", None),
    ],
    # Each worker has a number of its own, and all have to name a test alike.
    ids=["own number", "parent's number", "another's number", "no number", "no mark"],
)
def test_only_a_mark_of_this_process_says_that_it_was_launched(
    mark: str, profile: str | None
) -> None:
    assert launch.launched_as({"IRONPIT_ONLOAD": mark}) == profile


def test_a_directory_that_the_launcher_would_split_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/true")
    monkeypatch.setattr(launch, "blockers", lambda found: iter(()))
    with pytest.raises(UserError, match="splits the names of profiles at commas") as refused:
        launch.relaunch("latency", {}, tmp_path / "a,b")
    assert refused.value.code == Exit.REFUSED
