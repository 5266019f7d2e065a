"""`tune-host --hold [-- CMD]`: keep CPUs out of deep idle states for as long as it runs.

/dev/cpu_dma_latency holds only while its descriptor is open (Documentation/power/
pm_qos_interface.rst). The socket with time stamps keeps the network stack's time stamp key switched
on: switching a static key interrupts every core, hot ones too, whenever the first such socket comes
and the last one goes (TuneD's rtentsk plugin does the same).
"""

import os
import signal
import socket
import subprocess
import sys
from argparse import Namespace

from host_tuning.common.errors import ToolError
from host_tuning.facts.tree import HostTree

DEVICE = "/dev/cpu_dma_latency"
LATENCY_US = 0
SO_TIMESTAMPING = 37  # asm-generic/socket.h
SOF_RX_SOFTWARE, SOF_SOFTWARE = 1 << 3, 1 << 4  # linux/net_tstamp.h


def hold_latency(tree: HostTree) -> int:
    """Ask for no exit latency; the descriptor that must stay open. Errors: ToolError."""
    try:
        descriptor = os.open(tree.real(DEVICE), os.O_WRONLY | os.O_CLOEXEC)
        os.write(descriptor, LATENCY_US.to_bytes(4, sys.byteorder, signed=True))
    except OSError as problem:
        hint = ", expected root" if os.geteuid() else ""
        raise ToolError(f"--hold: {DEVICE}: {problem.strerror}{hint}") from None
    return descriptor


def hold_timestamps() -> socket.socket:
    """A socket that keeps the kernel's time stamping switched on."""
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    held.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, SOF_RX_SOFTWARE | SOF_SOFTWARE)
    return held


def run(options: Namespace) -> int:
    """Hold until SIGINT or SIGTERM, or until the command ends; return its exit code."""
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    descriptor = hold_latency(HostTree())
    with hold_timestamps():
        print(f"tune-host: holding {DEVICE} at {LATENCY_US} µs", file=sys.stderr, flush=True)
        code = _follow(options.argv, signals) if options.argv else _wait(signals)
    os.close(descriptor)
    return code


def _wait(signals: set[signal.Signals]) -> int:
    signal.sigwait(signals)
    return 0


def _follow(argv: list[str], signals: set[signal.Signals]) -> int:
    """Run the command, hand it the signals that we get, and give back its exit code."""
    waited = signals | {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    try:
        child = subprocess.Popen(
            argv, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, waited)
        )
    except OSError as problem:
        raise ToolError(f"--hold: {argv[0]}: {problem.strerror}") from None
    while child.poll() is None:
        number = signal.sigwait(waited)
        if number != signal.SIGCHLD:
            child.send_signal(number)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode
