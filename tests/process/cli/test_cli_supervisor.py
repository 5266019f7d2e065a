"""Goal: the supervisor starts, restarts, stops and announces the venue's processes as documented.

Method: a venue of two processes whose program is a small script that is told by a file how to
behave; the service manager is a socket of the test.
"""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.unit.config.test_config_load import VALID

TIMEOUT_S = 20.0

CHILD = """
    import os, signal, sys, time
    from ironpit.common.lifecycle import Lifecycle
    name = sys.argv[1]
    def log(word):
        with open("log", "a") as f:
            f.write(f"{name} {word} {os.getpid()}\\n")
    with Lifecycle() as life:
        log("start")
        if os.path.exists(f"refuse-{name}"):
            sys.exit(3)
        if os.path.exists(f"die-{name}"):
            sys.exit(1)
        while os.path.exists(f"recover-{name}"):
            life.progress(f"{name}: reading")
            time.sleep(0.01)
        with open(f"cores-{name}", "w") as f:
            f.write(" ".join(map(str, sorted(os.sched_getaffinity(0)))))
        life.ready()
        while not life.wait(0.01):
            life.alive()
    log("stop")
    if os.path.exists(f"fail-{name}"):
        sys.exit(1)
"""

PARENT = """
    import sys
    from pathlib import Path
    from ironpit import config
    from ironpit.venue import supervisor
    from ironpit.cli import main
    from ironpit.common.lifecycle import Lifecycle
    venue = config.load(Path("venue.yaml"))
    lock = supervisor.VenueLock(venue)
    with Lifecycle() as life:
        sys.exit(supervisor.Supervisor(venue, (sys.executable, "child.py"), life).run())
"""

TWO_PROCESSES = VALID[: VALID.index("placement:")] + textwrap.dedent(
    """\
    placement:
      processes:
        back: {threads: [{name: back, stages: [journal, publisher]}]}
        front: {threads: [{name: front, stages: [gateway, matcher]}]}
    """
)


class Venue:
    """A supervisor with two children in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write(TWO_PROCESSES)
        (directory / "child.py").write_text(textwrap.dedent(CHILD))
        (directory / "parent.py").write_text(textwrap.dedent(PARENT))
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(directory / "notify"))
        self.manager.settimeout(TIMEOUT_S)
        self.states: list[str] = []

    def write(self, text: str) -> None:
        """Its configuration; nothing of it lies where another user's venue would find it."""
        text = text.replace("/dev/shm/", f"{self.directory}/")
        (self.directory / "venue.yaml").write_text(text)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        python = os.pathsep.join(p for p in sys.path if p)
        notify = str(self.directory / "notify")
        environment = {**os.environ, "PYTHONPATH": python, "NOTIFY_SOCKET": notify, **environment}
        self.process = subprocess.Popen(
            [sys.executable, "parent.py"],
            cwd=self.directory,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def hear(self, state: str) -> None:
        """Wait until the service manager was told this."""
        while state not in self.states:
            self.states += self.manager.recv(4096).decode().split("\n")

    def log(self) -> list[tuple[str, str]]:
        """What the children did: name and word, in order."""
        file = self.directory / "log"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(line.split()[0], line.split()[1]) for line in lines]

    def process_id(self, name: str) -> int:
        """Of the latest child with this name."""
        lines = (self.directory / "log").read_text().splitlines()
        return int(next(x.split()[2] for x in reversed(lines) if x.startswith(f"{name} start")))

    def finish(self) -> tuple[int, str]:
        """Exit code and what was printed."""
        _, errors = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, errors


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def until_silent(manager: socket.socket) -> bool:
    """Take in what was sent before; true when nothing came for the socket's timeout."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        try:
            manager.recv(4096)
        except TimeoutError:
            return True
    return False


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    venue = Venue(tmp_path)
    yield venue
    if venue.process.poll() is None:
        venue.process.kill()
        venue.process.communicate()
    venue.manager.close()


def test_readiness_is_announced_when_all_are_ready_and_stop_follows_the_stream(
    venue: Venue,
) -> None:
    venue.start()
    venue.hear("READY=1")
    assert sorted(venue.log()) == [("back", "start"), ("front", "start")]
    venue.process.send_signal(signal.SIGTERM)
    venue.hear("STOPPING=1")
    assert venue.finish() == (0, "")
    assert venue.log()[2:] == [("front", "stop"), ("back", "stop")]


def test_a_child_that_is_killed_is_started_again(venue: Venue) -> None:
    venue.start()
    venue.hear("READY=1")
    os.kill(venue.process_id("front"), signal.SIGKILL)
    until(lambda: venue.log().count(("front", "start")) == 2)
    venue.process.send_signal(signal.SIGINT)
    code, errors = venue.finish()
    assert code == 0
    assert errors == "ironpit: process front was killed by SIGKILL; starting it again\n"


def test_a_child_that_died_unseen_is_started_again_to_be_stopped(venue: Venue) -> None:
    supervisor = venue.start()
    venue.hear("READY=1")
    os.kill(supervisor.pid, signal.SIGSTOP)
    back = psutil.Process(venue.process_id("back"))
    back.kill()
    until(lambda: back.status() == psutil.STATUS_ZOMBIE)
    supervisor.send_signal(signal.SIGTERM)
    os.kill(supervisor.pid, signal.SIGCONT)
    code, errors = venue.finish()
    assert (code, "back was killed by SIGKILL; starting it again" in errors) == (0, True)
    words = [("front", "start"), ("back", "start")]
    assert sorted(venue.log()[:2]) == sorted(words)
    assert venue.log()[2:] == [("back", "start"), ("front", "stop"), ("back", "stop")]


def test_a_child_that_fails_while_it_stops_is_said_and_the_venue_failed(venue: Venue) -> None:
    (venue.directory / "fail-front").touch()
    venue.start()
    venue.hear("READY=1")
    venue.process.terminate()
    said = "ironpit: process front ended with exit code 1 while the venue stopped\n"
    assert venue.finish() == (1, said)
    assert ("back", "stop") in venue.log()


def test_a_child_that_keeps_dying_stops_the_venue_with_exit_1(venue: Venue) -> None:
    (venue.directory / "die-front").touch()
    venue.start()
    code, errors = venue.finish()
    assert code == 1
    assert venue.log().count(("front", "start")) == 6
    assert "5 restarts in 60 s are used up; stopping" in errors.splitlines()[-1]


def test_a_child_that_refuses_to_start_is_not_started_again(venue: Venue) -> None:
    (venue.directory / "refuse-back").touch()
    venue.start()
    code, errors = venue.finish()
    assert code == 3
    assert "process back refused to start; stopping" in errors
    assert venue.log().count(("back", "start")) == 1


def test_children_die_with_a_supervisor_that_is_killed(venue: Venue) -> None:
    venue.start()
    venue.hear("READY=1")
    children = [psutil.Process(venue.process_id(name)) for name in ("front", "back")]
    venue.process.kill()
    gone, alive = psutil.wait_procs(children, timeout=TIMEOUT_S)
    assert (len(gone), alive) == (2, [])


def test_signs_of_life_are_passed_on_only_while_every_child_gives_them(venue: Venue) -> None:
    venue.start(WATCHDOG_USEC="400000")
    venue.hear("READY=1")
    venue.states.clear()
    venue.hear("WATCHDOG=1")
    stopped = venue.process_id("back")
    os.kill(stopped, signal.SIGSTOP)
    venue.manager.settimeout(1.0)
    assert until_silent(venue.manager)
    os.kill(stopped, signal.SIGCONT)
    venue.manager.settimeout(TIMEOUT_S)
    venue.states.clear()
    venue.hear("WATCHDOG=1")


def test_a_start_that_takes_long_is_passed_on_until_all_are_ready(venue: Venue) -> None:
    (venue.directory / "recover-front").touch()
    venue.start()
    venue.hear("STATUS=front: reading")
    assert venue.states[0].startswith("EXTEND_TIMEOUT_USEC=")
    (venue.directory / "recover-front").unlink()
    venue.hear("READY=1")
    venue.process.terminate()
    assert venue.finish()[0] == 0


def test_the_watchdog_is_fed_while_a_process_that_was_started_again_recovers(venue: Venue) -> None:
    venue.start(WATCHDOG_USEC="400000")
    venue.hear("READY=1")
    recovering = venue.directory / "recover-back"
    recovering.touch()
    os.kill(venue.process_id("back"), signal.SIGKILL)
    until(lambda: venue.log().count(("back", "start")) == 2)
    for _ in range(10):  # a second of it, and more than twice the interval
        venue.states.clear()
        venue.hear("WATCHDOG=1")
    recovering.unlink()


def test_the_supervisor_leaves_the_stages_cores_and_a_new_child_still_gets_them(
    venue: Venue,
) -> None:
    cores = os.sched_getaffinity(0)
    pinned = TWO_PROCESSES.replace("publisher]}", f"publisher], cpu: {max(cores)}}}")
    venue.write(pinned)
    venue.start()
    venue.hear("READY=1")
    until(lambda: os.sched_getaffinity(venue.process.pid) == cores - {max(cores)})
    seen = venue.directory / "cores-back"
    seen.unlink()
    os.kill(venue.process_id("back"), signal.SIGKILL)
    until(lambda: seen.exists() and len(seen.read_text().split()) == len(cores))


def test_a_second_venue_on_the_same_directory_is_told_who_holds_it(venue: Venue) -> None:
    venue.start()
    venue.hear("READY=1")
    second = subprocess.run(
        [sys.executable, "-m", "ironpit", "run", "-c", "venue.yaml"],
        cwd=venue.directory,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert second.returncode == 3
    assert f"venue TEST is already running as process {venue.process.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1
