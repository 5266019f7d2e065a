"""The first process of the emulated machine: makes it a Linux system, runs the program, powers off.

What the program prints is the result, and leaves by the second serial port; what goes wrong here
is told on the console, and that the program starts.
"""

import ctypes
import os
import subprocess
import sys
import traceback
import tty
from pathlib import Path

FINIT_MODULE = 313  # asm/unistd_64.h
POWER_OFF = 0x4321FEDC  # linux/reboot.h
RESULT = "/dev/ttyS1"
MOUNTS = (
    ("devtmpfs", "/dev"),
    ("proc", "/proc"),
    ("sysfs", "/sys"),
    ("cgroup2", "/sys/fs/cgroup"),
    ("tmpfs", "/run"),
    ("tmpfs", "/tmp"),
    ("tmpfs", "/var"),
)
LIBC = ctypes.CDLL(None, use_errno=True)


def prepare() -> None:
    """Mount what a system has mounted, load the modules, bring the interfaces up."""
    for kind, directory in MOUNTS:
        Path(directory).mkdir(exist_ok=True)
        if LIBC.mount(kind.encode(), directory.encode(), kind.encode(), 0, None):
            raise OSError(ctypes.get_errno(), f"mount {directory}")
    for module in sorted(Path("/modules").iterdir()):
        with module.open("rb") as file:
            if LIBC.syscall(FINIT_MODULE, file.fileno(), b"", 0):
                raise OSError(ctypes.get_errno(), f"load {module}")


def main() -> None:
    """Run the program; its output is the result, its errors go to the console."""
    sys.stdout = sys.stderr = open("/dev/console", "w", buffering=1)  # noqa: SIM115
    try:
        prepare()
        environment = {"PYTHONPATH": "/opt", "PATH": "/usr/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        with open(RESULT, "wb", buffering=0) as port:
            tty.setraw(port.fileno())
            python = sys.executable or os.readlink("/proc/self/exe")
            command = [python, "/program.py"]
            print("the program starts")
            done = subprocess.run(command, env=environment, stdout=port, stderr=2, check=False)
            print(f"the program ended with {done.returncode}")
    except BaseException:
        traceback.print_exc()
    os.sync()
    LIBC.reboot(POWER_OFF)


main()
