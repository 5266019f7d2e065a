"""An emulated server: two sockets with a memory node each, and a network card with several queues.

Emulated in software, so that it runs wherever qemu does. CPUs 2 and 3 are isolated at boot, on node
0; those of node 1, 4 to 7, are left for what can be isolated at run time. Four cores a socket: with
three, APIC ids have holes, and this kernel hangs in stop_machine when it is emulated so.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.boot import debian, initramfs

# An emulated kernel has hung before it came to the program, once in many boots: nothing that is
# tested had run by then, so it is booted again.
BOOTS_MAX = 2
BOOT_S_MAX = 280.0
STARTS = "the program starts"  # as guest_init says
MACHINE = ("-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "768M")
NOTHING_ELSE = ("-display", "none", "-no-reboot", "-nodefaults", "-monitor", "none")
ARGUMENTS = (
    "console=ttyS0 loglevel=7 panic=-1 tsc=reliable "
    # Python starts before there is a /dev/urandom; this becomes a variable of its environment.
    "PYTHONHASHSEED=0 "
    "isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3 irqaffinity=0-1"
)
# The card hangs on a bridge of node 1, as a card in a slot of the second socket does.
DEVICES = """
    -smp cpus=8,sockets=2,cores=4,threads=1
    -object memory-backend-ram,id=ram0,size=384M
    -object memory-backend-ram,id=ram1,size=384M
    -numa node,nodeid=0,cpus=0-3,memdev=ram0
    -numa node,nodeid=1,cpus=4-7,memdev=ram1
    -numa dist,src=0,dst=1,val=21
    -device pxb-pcie,id=bridge1,bus=pcie.0,bus_nr=128,numa_node=1
    -device pcie-root-port,id=slot1,bus=bridge1,chassis=1
    -netdev tap,id=wire0,ifname=wire0,queues=4,script=no,downscript=no
    -device virtio-net-pci,netdev=wire0,bus=slot1,mq=on,vectors=10,romfile=
"""


def run(program: Path, directory: Path) -> Any:
    """Boot, run a program of Python inside, power off: what it printed, read as JSON.

    directory: for the files of the run; console.log stays there. AssertionError with the console's
    end when there is no result.
    """
    image = directory / "initramfs"
    image.write_bytes(initramfs.build(program))
    try:
        for _ in range(BOOTS_MAX):
            why, said, text = _boot(image, directory)
            if STARTS in said:
                break
    finally:
        image.unlink()
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        end = "\n".join(said.splitlines()[-40:])
        raise AssertionError(f"no result ({why}; {text[:200]!r}); the console:\n{end}") from None


def _boot(image: Path, directory: Path) -> tuple[str, str, str]:
    """How it ended, and what came to the console and as the result."""
    (kernel,) = (debian.kernel() / "boot").glob("vmlinuz-*")
    console, result = (directory / name for name in ("console.log", "result.json"))
    # A network namespace of its own: the card's other end appears nowhere else.
    command: list[str | Path] = [
        *("unshare", "--net", "qemu-system-x86_64", *MACHINE, *DEVICES.split(), *NOTHING_ELSE),
        *("-serial", f"file:{console}", "-serial", f"file:{result}"),
        *("-kernel", kernel, "-initrd", image, "-append", ARGUMENTS),
    ]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BOOT_S_MAX,
            check=False,
        )
        why = f"qemu: exit {done.returncode}: {done.stderr}"
    except subprocess.TimeoutExpired:
        why = f"it did not power off in {BOOT_S_MAX:.0f} s"
    said = console.read_text(errors="replace") if console.exists() else ""
    text = result.read_text() if result.exists() else ""
    return why, said, text
