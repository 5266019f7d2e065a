"""Goal: the units that an operator installs are understood by systemd to the last key, and the
venue's is as confined as a real-time process with a network can be.

Method: they are installed into a directory and read by systemd-analyze, which warns of a key that
it does not know on standard error and exits with 0: what counts is that nothing stands there. A
planted unknown key shows that this can fail.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.host.installed import UNITS, install

pytestmark = pytest.mark.needs_tool("systemd-analyze")

CPUS = {"HOT": "2-5", "HOUSEKEEPING": "0-1"}
# systemd's own scale, 0 to 10: below 5.0 it says MEDIUM, below 3.0 OK.
EXPOSURE_MAX = 3.0


@pytest.fixture
def units(tmp_path: Path) -> Path:
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("ironpit", "tune-host"):
        (commands / name).symlink_to("/bin/true")
    done = install(tmp_path, BINDIR=str(commands), **CPUS)
    assert (done.returncode, done.stderr) == (0, "")
    return tmp_path / UNITS


def complaints(units: Path) -> list[str]:
    """What systemd-analyze says of all units and drop-ins of the directory."""
    # A drop-in's directory stands for its unit, which may be one of systemd's own. There is an
    # init.scope in a running system only: tests/boot looks at that one.
    names = {path.name.removesuffix(".d").replace("@.", "@metal.") for path in units.iterdir()}
    names.discard("init.scope")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(names)],
        # The empty last part adds systemd's own directories.
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:", "SYSTEMD_LOG_TARGET": "console"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    if done.returncode and not lines:
        lines.append(f"exit {done.returncode}")
    return lines


def exposure(unit: Path) -> float:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"./{unit.name}"],
        cwd=unit.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+) (\w+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def test_systemd_has_nothing_to_say_against_any_unit(units: Path) -> None:
    names = {path.name for path in units.iterdir()}
    assert {"ironpit@.service", "tune-host.service", "system.slice.d", "ironpit.slice"} <= names
    assert complaints(units) == []


@pytest.mark.parametrize(
    "name", ["ironpit@.service", "tune-host-link.path", "system.slice.d/cpus.conf"]
)
def test_an_unknown_key_in_a_unit_or_drop_in_is_seen(units: Path, name: str) -> None:
    path = units / name
    path.write_text(path.read_text() + "[Unit]\nDescribtion=a typing error\n")
    assert re.search(r"Unknown key.*'Describtion'", "\n".join(complaints(units)))


def test_stopping_the_tuner_takes_back_every_run(units: Path) -> None:
    """A link that comes up is a run of its own; what is stopped must leave none of them."""
    lines = (units / "tune-host.service").read_text().splitlines()
    assert [line.rpartition("/")[2] for line in lines if line.startswith("ExecStop=")] == [
        "tune-host --rollback all"
    ]


def test_a_command_that_is_not_installed_is_seen(units: Path) -> None:
    (units.parents[2] / "bin/tune-host").unlink()
    assert any("tune-host is not executable" in line for line in complaints(units))


def test_the_venue_is_confined_as_far_as_systemd_calls_ok(units: Path) -> None:
    unit = units / "ironpit@.service"
    assert exposure(unit) < EXPOSURE_MAX
    bare = [line for line in unit.read_text().splitlines() if "Protect" not in line]
    unit.write_text("\n".join(line for line in bare if "Capabilit" not in line) + "\n")
    assert exposure(unit) > EXPOSURE_MAX


def test_drop_ins_come_with_both_cpu_lists_and_stay_when_none_is_given(tmp_path: Path) -> None:
    assert install(tmp_path).returncode == 0
    assert not list((tmp_path / UNITS).glob("*.d"))
    assert install(tmp_path, **CPUS).returncode == 0
    assert install(tmp_path).returncode == 0
    dropped = {
        path.parent.name: path.read_text().splitlines()[2]
        for path in (tmp_path / UNITS).glob("*.d/cpus.conf")
    }
    assert dropped == {
        "init.scope.d": "AllowedCPUs=0-1",
        "ironpit.slice.d": "AllowedCPUs=2-5,0-1",
        "ironpit@.service.d": "CPUAffinity=2-5,0-1",
        "system.slice.d": "AllowedCPUs=0-1",
        "user.slice.d": "AllowedCPUs=0-1",
    }


@pytest.mark.parametrize(
    "cpus", [{"HOT": "2"}, {"HOUSEKEEPING": "0"}, {"HOT": "2;3", "HOUSEKEEPING": "0"}]
)
def test_half_a_placement_or_no_cpu_list_is_refused(tmp_path: Path, cpus: dict[str, str]) -> None:
    done = install(tmp_path, **cpus)
    assert done.returncode == 2
    assert "expected two CPU lists" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.needs_tool("systemd-sysusers", "systemd-tmpfiles")
def test_the_user_and_the_directories_are_understood(tmp_path: Path) -> None:
    assert install(tmp_path).returncode == 0
    users = ["systemd-sysusers", "--dry-run", f"{tmp_path}/usr/lib/sysusers.d/ironpit.conf"]
    done = subprocess.run(users, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("'ironpit'")) == (0, 2), done
    for line in (tmp_path / "usr/lib/tmpfiles.d/ironpit.conf").read_text().splitlines():
        assert re.fullmatch(r"d /[a-z/]+ 0750 (root|ironpit) ironpit -", line)
