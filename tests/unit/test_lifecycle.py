"""Goal: a process is told to stop by a signal, at whatever instant that comes.

Method: a child that waits again and again, and traces itself: at the n-th line or return of the
library's that a wait comes to, it sends itself SIGTERM. Each n up to the last of a whole wait.
"""

import subprocess
import sys
import threading

import pytest

from ironpit.common.lifecycle import Lifecycle

TIMEOUT_S = 120  # ten children start at a time, on a machine that may be busy
# As many as a wait of threading.Event has, and more: it holds a lock in some of them.
INSTANTS = 60

PROGRAM = """
import os, signal, sys
from ironpit.common.lifecycle import Lifecycle

left = int(sys.argv[1])

def trace(frame, event, argument):
    global left
    if event != "call":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
    return trace

with Lifecycle() as lifecycle:
    sys.settrace(trace)
    while not lifecycle.wait(0.001):
        pass
    sys.settrace(None)
print("stopped")
"""

# A signal that is none of Lifecycle's comes 10 ms after the wait's begin, which is to take 20 ms.
LATE = """
import signal, time
from ironpit.common.lifecycle import Lifecycle

def handle(number, frame):
    global handled
    handled = True
    time.sleep(0.05)

handled = False
signal.signal(signal.SIGALRM, handle)
with Lifecycle() as lifecycle:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    stopped = lifecycle.wait(0.02)
print(handled, stopped)
"""


@pytest.mark.parametrize("first", range(1, INSTANTS, 10))
def test_a_signal_stops_a_wait_at_any_of_its_instants(first: int) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(instant)], stdout=subprocess.PIPE, text=True
        )
        for instant in range(first, first + 10)
    ]
    try:
        for instant, child in enumerate(children, first):
            said, _ = child.communicate(timeout=TIMEOUT_S)
            assert (said, child.returncode) == ("stopped\n", 0), f"instant {instant}"
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_a_wait_ends_though_a_handler_takes_longer_than_it() -> None:
    """The wait of a queue has no end then (CPython 3.11): what is left of its time is negative."""
    said = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    assert said.stdout == "True False\n"


def test_a_wait_says_whether_it_was_ended_by_a_stop() -> None:
    lifecycle = Lifecycle()
    assert not lifecycle.wait(0)
    assert not lifecycle.wait(-0.001)
    assert not lifecycle.wait(0.001)
    assert not lifecycle.stopped
    other = threading.Thread(target=lifecycle.stop)
    other.start()
    assert lifecycle.wait(TIMEOUT_S)
    other.join()
    assert lifecycle.stopped
    assert [lifecycle.wait(TIMEOUT_S) for _ in range(3)] == [True] * 3
