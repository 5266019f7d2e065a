"""Runs the venue: in this process, or as one child process for each process of the placement.

A child that dies unexpectedly is started again, `placement.restarts_max` times in a minute; after
that everything is stopped, because a venue that keeps falling over must be looked at. Children get
SIGKILL from the kernel if the supervisor dies, so that none is left behind with the venue's files.
"""

import ctypes
import fcntl
import gc
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ironpit.common.errors import Exit, UserError
from ironpit.common.lifecycle import Lifecycle
from ironpit.config import Config, stage_kinds, stages_of
from ironpit.venue import isolation

if TYPE_CHECKING:
    from ironpit.venue.day import Day

RESTARTS_WINDOW_S = 60.0
RECOVERY_S_MAX = 120.0  # a process that was started again reads the journal before it is ready
STOP_TIMEOUT_S = 10.0
TURN_S = 0.2
PR_SET_PDEATHSIG = 1
PROCESS_COMMAND = (sys.executable, "-m", "ironpit.venue.process")


class VenueLock:
    """Keeps a second venue off the same data, journal or rings; the kernel releases it with the
    process."""

    def __init__(self, config: Config) -> None:
        self.held: list[int] = []
        directories = dict.fromkeys(
            (
                config.venue.data_directory,
                config.journal.directory,
                *(gateway.orders.path.parent for gateway in config.gateways),
                config.streams.events.path.parent,
            )
        )
        for directory in directories:
            try:
                self._hold(config, directory)
            except UserError:
                self.release()
                raise

    def _hold(self, config: Config, directory: Path) -> None:
        path = directory / "venue.lock"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}", Exit.REFUSED) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise UserError(
                f"venue {config.venue.name} is already running as process {holder} "
                f"(it holds {path})",
                Exit.REFUSED,
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self.held.append(descriptor)

    def release(self) -> None:
        """Let the next venue in. The files stay: removing them would race with the next one."""
        for descriptor in self.held:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)
        self.held.clear()


class Child:
    """One process of the placement, and what it said over its notification socket."""

    def __init__(
        self, command: tuple[str, ...], name: str, selector: selectors.BaseSelector
    ) -> None:
        self.command = command
        self.name = name
        self.affinity = os.sched_getaffinity(0)
        self.ready = False
        self.status = ""  # what it wants the service manager to show, until that is passed on
        self.progress = ""  # how far its start is, until that is passed on
        self.reported = False  # how it ended, if it did and is not to be started again
        self.alive_at_s = 0.0
        self.selector = selector
        # Linux chooses a name in the abstract namespace: no file to clean up.
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind("")
        self.socket.setblocking(False)
        selector.register(self.socket, selectors.EVENT_READ, self)
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = dict(os.environ)
        environment["NOTIFY_SOCKET"] = "@" + self.socket.getsockname()[1:].decode()
        environment.pop("WATCHDOG_PID", None)
        self.ready = False
        self.alive_at_s = time.monotonic()
        return subprocess.Popen(
            [*self.command, self.name],
            env=environment,
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C reaches the supervisor alone, which stops its children
            preexec_fn=self._before_its_program,
        )

    def _before_its_program(self) -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # Its stages need the cores that the supervisor has left to them since.
        os.sched_setaffinity(0, self.affinity)

    def hear(self) -> None:
        """Take in what the child has said since the last turn."""
        while True:
            try:
                states = self.socket.recv(4096).decode("utf-8", "replace").split("\n")
            except BlockingIOError:
                return
            self.ready = self.ready or "READY=1" in states
            if "READY=1" not in states and states[0].startswith("STATUS="):
                self.status = states[0].removeprefix("STATUS=")
            if states[0].startswith("EXTEND_TIMEOUT_USEC="):
                self.progress = states[1].removeprefix("STATUS=")
            self.alive_at_s = time.monotonic()

    def start_again(self) -> None:
        """A new process after the old one has died."""
        self.process = self._spawn()

    def close(self) -> None:
        """Stop hearing the child."""
        self.selector.unregister(self.socket)
        self.socket.close()


_LIBC = ctypes.CDLL(None)


def stop_with_parent() -> None:
    """In a new process, before its program: be told to stop when whoever started it is gone."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Supervisor:
    """The children of one venue. `command` with a process name appended runs that process."""

    def __init__(
        self,
        config: Config,
        command: tuple[str, ...],
        lifecycle: Lifecycle,
        announce: Callable[[], None] = lambda: None,
        next_day: Callable[["Day | None"], bool] = lambda day: False,
    ) -> None:
        self.config = config
        self.announce = announce
        self.next_day = next_day
        self.command = command
        self.lifecycle = lifecycle
        self.selector = selectors.DefaultSelector()
        self.deaths_s: deque[float] = deque()
        self.announced = False

    def run(self) -> Exit:
        """Until asked to stop, or until children die faster than is allowed."""
        names = self.config.placement.processes
        children = [Child(self.command, name, self.selector) for name in names]
        isolation.leave_stage_cores(self.config)
        code = Exit.OK
        try:
            while not self.lifecycle.stopped and not self._next_day_begins():
                code = self._turn(children)
                if code != Exit.OK:
                    break
        finally:
            if self.lifecycle.stopped or code != Exit.OK:
                self.lifecycle.stopping()
            complete = code != Exit.OK or not self.announced or self._all_up(children)
            clean = self._stop(children) and complete
            for child in children:
                child.close()
            self.selector.close()
        return code if code != Exit.OK or clean else Exit.FAILED

    def _next_day_begins(self) -> bool:
        # Not before all are up: their files may be of the run before.
        if self.config.venue.calendar is None or not self.announced:
            return False
        return self.next_day(_day(self.config))

    def _turn(self, children: list[Child]) -> Exit:
        for key, _ in self.selector.select(TURN_S):
            key.data.hear()
        for child in children:
            status = child.process.poll()
            if status is None:
                continue
            if status in (Exit.USAGE, Exit.REFUSED):
                child.reported = True
                say(f"process {child.name} refused to start; stopping")
                return Exit(status)
            if not self._may_restart():
                child.reported = True
                say(
                    f"process {child.name} {_ending(status)}; placement.restarts_max = "
                    f"{self.config.placement.restarts_max} restarts in "
                    f"{RESTARTS_WINDOW_S:.0f} s are used up; stopping"
                )
                return Exit.FAILED
            say(f"process {child.name} {_ending(status)}; starting it again")
            child.start_again()
        if not self.announced and all(child.ready for child in children):
            self.announced = True
            self.lifecycle.ready()
            self.announce()
        if not self.announced:
            self._pass_on_progress(children)
        if self.announced:
            self._pass_on_signs_of_life(children)
            for child in children:
                if child.status:
                    self.lifecycle.status(child.status)
                    child.status = ""
        return Exit.OK

    def _pass_on_progress(self, children: list[Child]) -> None:
        for child in children:
            if child.progress:
                self.lifecycle.progress(child.progress)
                child.progress = ""

    def _pass_on_signs_of_life(self, children: list[Child]) -> None:
        interval_s = self.lifecycle.notifier.watchdog_interval_s
        if interval_s is None:
            return
        now_s = time.monotonic()
        if all(
            now_s - child.alive_at_s < (interval_s if child.ready else RECOVERY_S_MAX)
            for child in children
        ):
            self.lifecycle.alive()

    def _may_restart(self) -> bool:
        now_s = time.monotonic()
        while self.deaths_s and now_s - self.deaths_s[0] > RESTARTS_WINDOW_S:
            self.deaths_s.popleft()
        self.deaths_s.append(now_s)
        return len(self.deaths_s) <= self.config.placement.restarts_max

    def _all_up(self, children: list[Child]) -> bool:
        """Before the stop: a child that has just died is started again and waited for, so that its
        stages take out of the rings what is theirs; whether all are there."""
        for child in children:
            status = child.process.poll()
            if status is not None:
                say(f"process {child.name} {_ending(status)}; starting it again")
                child.start_again()
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        while not all(child.ready for child in children):
            for key, _ in self.selector.select(TURN_S):
                key.data.hear()
            died = any(child.process.poll() is not None for child in children)
            if died or time.monotonic() >= deadline_s:
                return False
        return True

    def _stop(self, children: list[Child]) -> bool:
        """SIGTERM, then SIGKILL to those that do not heed it; whether all came to a good end.

        In the direction of the stream: what a stage has put into a ring is taken out of it by the
        next one, which is still running.
        """
        processes = self.config.placement.processes
        clean = True
        for child in sorted(
            children, key=lambda c: min(map(stage_kinds.order_of, stages_of(processes[c.name])))
        ):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
            try:
                status = child.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                say(f"process {child.name} did not stop in {STOP_TIMEOUT_S:.0f} s; killing it")
                child.process.kill()
                child.process.wait()
                clean = False
                continue
            if status != Exit.OK and not child.reported:
                say(f"process {child.name} {_ending(status)} while the venue stopped")
                clean = False
        return clean


def _ending(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with exit code {status}"


def say(text: str) -> None:
    """One line to the operator."""
    print(f"ironpit: {text}", file=sys.stderr, flush=True)


def _day(config: Config) -> "Day | None":
    """The stream's day, as the matcher has it."""
    found: Day | None = import_module("ironpit.venue.day").of_venue(config)
    return found


def _takes_orders(config: Config) -> str:
    processes = config.placement.processes
    threads = sum(len(process.threads) for process in processes.values())
    where = ", ".join(str(gateway.settings.listen) for gateway in config.gateways)
    day = _day(config)
    if day is not None and day.has_ended(time.time_ns()):
        return (
            f"venue {config.venue.name} takes no orders: {day.described(time.time_ns())}; members "
            f"log in on {where}"
        )
    return (
        f"venue {config.venue.name} takes orders on {where}; market data to "
        f"{config.streams.market_data.place}; journal {config.journal.directory} "
        f"({config.journal.durability}); threads {threads}, processes {len(processes)}"
    )


def run_venue(
    config: Config,
    config_file: Path,
    truncate_at: int | None = None,
    *,
    continue_day: bool = False,
) -> Exit:
    """Run the venue until it is told to stop, one trading day after the other. UserError when it
    cannot start.

    truncate_at: cut a corrupt journal off after this sequence. continue_day: take a journal of an
    earlier day, whose instruments are closed.
    """
    lock = VenueLock(config)
    try:
        with Lifecycle() as lifecycle:
            preparation = import_module("ironpit.venue.recovery")
            next_day = import_module("ironpit.venue.next_day").NextDay(config, config_file, say)
            code = Exit.OK
            while code == Exit.OK and not lifecycle.stopped:
                config = next_day.config
                preparation.prepare(
                    config,
                    truncate_at,
                    say,
                    continue_day=continue_day,
                    progress=import_module("ironpit.venue.start_progress").StartProgress(lifecycle),
                )
                if not lifecycle.stopped:  # a process that has just begun cannot be told to stop
                    code = _run_day(config, config_file, lifecycle, next_day.begins)
                truncate_at, continue_day = None, False
                if code == Exit.OK and not lifecycle.stopped:
                    lifecycle.status("the next trading day begins")
            say(f"venue {config.venue.name} stopped")
            return code
    finally:
        lock.release()


def _run_day(
    config: Config,
    config_file: Path,
    lifecycle: Lifecycle,
    next_day: Callable[["Day | None"], bool],
) -> Exit:
    """Until it is told to stop, or the next trading day is to begin."""

    def announce() -> None:
        say(_takes_orders(config))

    names = list(config.placement.processes)
    if len(names) > 1:
        flags = ("--require-onload",) if config.require_onload else ()
        command = (*PROCESS_COMMAND, *flags, str(config_file.resolve()))
        return Supervisor(config, command, lifecycle, announce, next_day).run()
    running = import_module("ironpit.venue.duty")
    code = Exit(running.run_process(config, names[0], lifecycle, announce, next_day))
    # The stages let go of their rings when nothing refers to them, and some refer to one another.
    gc.collect()
    return code
