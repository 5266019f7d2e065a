"""A process of the venue from start to stop: signals in, readiness and signs of life out.

The service manager's protocol is a datagram a state to the socket that NOTIFY_SOCKET names
(sd_notify(3)): few enough lines that a dependency would be longer. The supervisor hears its
children over a socket of its own, by the same protocol.
"""

import os
import select
import signal
import socket
import time
import weakref
from types import FrameType, TracebackType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
PROGRESS_INTERVAL_S = 1.0
# How long the service manager waits for the next sign of a start that takes long.
START_EXTENDED_US = 120_000_000


class Notifier:
    """Tells the service manager about this process; does nothing when there is none."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        address = os.environ.get("NOTIFY_SOCKET", "")
        if address[:1] in ("/", "@"):
            # A leading @ stands for Linux's abstract namespace.
            name = address.replace("@", "\0", 1) if address[0] == "@" else address
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            try:
                self._socket.connect(name)
            except OSError:
                self._socket.close()
                self._socket = None

    def send(self, *states: str) -> None:
        """Send states such as READY=1; a manager that is gone is no error."""
        if self._socket is not None:
            try:
                self._socket.send("\n".join(states).encode())
            except OSError:
                return

    @property
    def is_heard(self) -> bool:
        """Whether there is a service manager."""
        return self._socket is not None

    @property
    def watchdog_interval_s(self) -> float | None:
        """How often to send a sign of life, or None: half of what the manager asks for."""
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        meant_for = os.environ.get("WATCHDOG_PID", str(os.getpid()))
        if not microseconds.isdigit() or meant_for != str(os.getpid()):
            return None
        return int(microseconds) / 2_000_000


class Lifecycle:
    """Stop on SIGTERM or Ctrl-C, and say `ready`, `alive` and `stopping` to whoever manages us.

    Use as a context manager, from the main thread. A second signal ends the process at once.
    """

    def __init__(self) -> None:
        self.notifier = Notifier()
        # No threading.Event: its lock is held for a moment in each wait, and a signal's handler
        # that comes just then would wait for it without end. No SimpleQueue either: its get
        # waits without end when its time is over before it looks again (CPython 3.11).
        self._stopped = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        weakref.finalize(self, os.close, self._wake)
        self._waiter = select.poll()
        self._waiter.register(self._wake, select.POLLIN)
        self._signals = 0
        self._previous: dict[int, object] = {}
        self._interval_s = self.notifier.watchdog_interval_s
        self._alive_at_s = 0.0
        self._progress_at_s = 0.0

    def __enter__(self) -> "Lifecycle":
        for number in STOP_SIGNALS:
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            os._exit(128 + number)
        self.stop()

    def stop(self) -> None:
        """Ask this process to stop, as a signal would."""
        self._stopped = True
        os.eventfd_write(self._wake, 1)

    @property
    def stopped(self) -> bool:
        """Whether the process was asked to stop."""
        return self._stopped

    def wait(self, timeout_s: float) -> bool:
        """Wait until asked to stop, at most this long; whether that was so."""
        # Nothing reads the event, so a stop that comes between these lines ends the wait too.
        if not self._stopped:
            # A time that is over already is none; poll would take it for one without end.
            self._waiter.poll(max(0.0, timeout_s * 1000))
        return self._stopped

    def ready(self) -> None:
        """The venue takes orders."""
        self.notifier.send("READY=1", "STATUS=running")
        self.alive()

    def status(self, text: str) -> None:
        """What the service manager shows of the venue from now on."""
        self.notifier.send(f"STATUS={text}")

    def alive(self) -> None:
        """Everything that should turn does; to be called often, sends as often as needed."""
        now_s = time.monotonic()
        if self._interval_s is not None and now_s - self._alive_at_s >= self._interval_s / 2:
            self._alive_at_s = now_s
            self.notifier.send("WATCHDOG=1")

    def progress(self, text: str) -> None:
        """A start takes long and goes on; to be called often, sends as often as needed. Without it
        the service manager ends what is not ready in time (sd_notify(3), EXTEND_TIMEOUT_USEC)."""
        now_s = time.monotonic()
        if now_s - self._progress_at_s >= PROGRESS_INTERVAL_S:
            self._progress_at_s = now_s
            self.notifier.send(f"EXTEND_TIMEOUT_USEC={START_EXTENDED_US}", f"STATUS={text}")
        self.alive()

    def stopping(self) -> None:
        """No more orders are taken."""
        self.notifier.send("STOPPING=1", "STATUS=stopping")
