"""Goal: in each way that Onload can be there, or not, a whole venue trades, and what it and
`ironpit doctor` say of its sockets is true.

Method: venue, members and doctor as processes of their own under the double in that way: not at
all, the stub alone, a library that is loaded late, preloaded, without a driver, of an older
version, and dropped by the loader because the interpreter has capabilities and the user is not
root.
"""

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.doubles.onload_build import preloaded
from tests.process.onload.venues import bypass, clean, doctor, double, load, sockets, venue

import ironpit.operate.doctor

pytestmark = pytest.mark.needs_tool("cc")
SCHEMA = json.loads(
    (Path(ironpit.operate.doctor.__file__).parent / "schema/doctor-1.json").read_text()
)
NOBODY = 65534


@dataclass(frozen=True)
class Mode:
    """How Onload is there, and what is then true."""

    name: str
    library: str
    path: str
    reason: str
    settings: dict[str, str | int] | None = None
    preload: tuple[str, ...] = ()

    def environment(self, directory: Path) -> dict[str, str]:
        env = clean()
        if self.settings is not None:
            env |= preloaded(**self.settings)
        if self.preload:
            env["LD_PRELOAD"] = ":".join(str(double() / name) for name in self.preload)
        if self.name == "late":
            # Every interpreter imports this module at its start: after its own libraries.
            library = str(double() / "libonload.so")
            (directory / "sitecustomize.py").write_text(
                f"import ctypes\nctypes.CDLL({library!r}, ctypes.RTLD_GLOBAL)\n"
            )
            env["PYTHONPATH"] = os.pathsep.join([str(directory), env["PYTHONPATH"]])
        return env


MODES = [
    Mode("none", "absent", "kernel", "no library: Onload is not loaded"),
    Mode("stub", "stub", "kernel", "only the stubs", preload=("libonload_ext.so.1",)),
    Mode("late", "late", "kernel", "late dlopen"),
    Mode("preload", "interposed", "accelerated", "its endpoint", {}),
    Mode("driver", "interposed", "kernel", "no driver", {"MOCK_ONLOAD_DRIVER": "missing"}),
    Mode("minor", "interposed", "accelerated", "", {"MOCK_ONLOAD_EXT_VERSION": "1.1.0"}),
    Mode(
        "mismatch",
        "interposed",
        "kernel",
        "version mismatch: Onload offers extension API 1.1.0",
        {"MOCK_ONLOAD_EXT_VERSION": "1.1.0"},
        ("libonload.so", "libonload_ext.so.1"),
    ),
]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_venue_trades_and_tells_the_truth(mode: Mode, tmp_path: Path) -> None:
    env = mode.environment(tmp_path)
    placement = "split" if mode.name == "preload" else "one-thread"
    with venue(env, placement=placement) as running:
        running.start()
        report = load(running, env)
        assert report["orders_sent"] == report["orders_acknowledged"] > 0
        [listener] = [s for s in sockets(running, "orders") if not s["peer"]]
        assert listener["path"] == mode.path
        assert mode.reason in listener["reason"]
        if placement == "split":
            # Each hot thread's sockets live in a stack of its own name.
            assert " in gatewa-p" in listener["endpoint"]
            served = [s["endpoint"] for s in sockets(running, "market data")]
            assert any(" in publis-p" in endpoint for endpoint in served)
        told = doctor(env, "-c", str(running.file))
        assert running.stop() == 0
        assert f"sockets of orders: {mode.path}: " in running.said().replace(
            "sockets of orders, market data", "sockets of orders"
        )
    _check(told, mode)
    assert told["running"]
    row = bypass(told)
    assert row["in_use"] is (mode.path == "accelerated")
    [listener] = [s for s in row["facts"]["sockets"] if s["role"] == "orders" and not s["peer"]]
    assert listener["path"] == mode.path


def _check(told: dict[str, Any], mode: Mode) -> None:
    """What doctor says of a mode, whether or not a venue runs."""
    jsonschema.validate(told, SCHEMA)
    row = bypass(told)
    assert row["facts"]["library"] == mode.library
    assert row["facts"]["probe"]["path"] == mode.path
    assert row["available"] is (mode.path == "accelerated")
    if mode.path != "accelerated":
        assert mode.reason in row["why_not"]
        assert row["what_to_do"]
    old = mode.settings is not None and "MOCK_ONLOAD_EXT_VERSION" in mode.settings
    assert row["facts"]["version_too_old"] is old
    if mode.library == "interposed":
        assert row["facts"]["extension_api"] == ("1.1.0" if old else "1.2.0")


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_doctor_refuses_where_onload_is_required_and_not_proved(mode: Mode, tmp_path: Path) -> None:
    with venue(clean()) as idle:
        told = doctor(mode.environment(tmp_path), "-c", str(idle.file), "--require-onload")
    assert told["exit_code"] == (0 if mode.path == "accelerated" else 3)
    assert not told["running"]
    assert bypass(told)["in_use"] is None
    _check(told, mode)


def test_an_older_minor_version_is_reported_as_degraded_or_refused(tmp_path: Path) -> None:
    [mode] = [mode for mode in MODES if mode.name == "minor"]
    env = mode.environment(tmp_path)
    with venue(env) as running:
        running.start()
        assert "degraded: Onload version: extension API 1.1.0" in running.said()
    with venue(env, degrade={"onload_version": "refuse"}) as refused:
        code, said = run_to_its_end(refused, env)
        assert code == 3
        assert "degrade.onload_version: Onload offers extension API 1.1.0" in said


def run_to_its_end(made: Any, env: dict[str, str], *arguments: str) -> tuple[int, str]:
    """A venue that does not start: its exit code, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "ironpit", "run", "-c", str(made.file), *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def interpreter() -> Iterator[list[str]]:
    """A copy of this interpreter with file capabilities, started as somebody else than root. One of
    them lets it read what belongs to root, as this interpreter's own files may."""
    directory = Path(tempfile.mkdtemp(prefix="ironpit-caps-", dir="/var/tmp"))
    directory.chmod(0o755)
    copy = directory / "python"
    shutil.copy2(os.path.realpath(sys.executable), copy)
    subprocess.run(
        ["setcap", "cap_sys_nice,cap_dac_override,cap_dac_read_search+ep", str(copy)], check=True
    )
    try:
        yield ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", str(copy)]
    finally:
        shutil.rmtree(directory)


@pytest.mark.needs_root
@pytest.mark.needs_tool("setcap", "setpriv")
def test_a_preload_that_the_loader_drops_is_reported(interpreter: list[str]) -> None:
    env = clean() | preloaded()
    env["PYTHONHOME"] = os.pathsep.join([sys.base_prefix, sys.base_exec_prefix])
    packages = [sysconfig.get_path("purelib"), *site.getsitepackages()]
    env["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], *packages])
    mode = Mode("dropped", "dropped", "kernel", "preload dropped", {})
    with venue(clean()) as made:
        doctored = subprocess.run(
            [*interpreter, "-m", "ironpit", "doctor", "--json", "-c", str(made.file)],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        told = json.loads(doctored.stdout)
        _check(told, mode)
        blockers = bypass(told)["facts"]["blockers"]
        assert any("has file capabilities" in blocker for blocker in blockers)
        command = [*interpreter, "-m", "ironpit", "run", "-c", str(made.file)]
        running = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert running.stderr is not None
        said = ""
        for line in running.stderr:
            said += line
            if "takes orders on" in line:
                break
        try:
            assert "takes orders on" in said, said
            assert "sockets of orders, market data: kernel: preload dropped" in said
            report = load(made, clean())
            assert report["orders_sent"] == report["orders_acknowledged"] > 0
            assert {s["path"] for s in sockets(made, "orders")} == {"kernel"}
        finally:
            running.terminate()
            running.communicate(timeout=60)
        assert running.returncode == 0
        for wish in ("--require-onload", "--onload=latency"):
            refused = subprocess.run(
                [*command, wish], env=env, capture_output=True, text=True, timeout=60, check=False
            )
            assert refused.returncode == 3, refused.stderr
            assert "preload dropped" in refused.stderr or "capabilities" in refused.stderr
