"""Whether a listener would be accelerated: here, or in a process under the launcher.

`python -m ironpit.onload.probe ADDRESS` writes what it finds as one line of JSON.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ironpit.onload.options import as_launcher_profile
from ironpit.onload.truth import Truth, Verdict

TIMEOUT_S = 30
PROGRAM = (sys.executable, "-m", "ironpit.onload.probe")


def listener(address: str, truth: Truth) -> Verdict:
    """What becomes of a listener on an address of this host, and any port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
            sock.listen(1)
        except OSError as error:
            return Verdict("kernel", f"{address}: {error.strerror}")
        return truth.judge(sock.fileno())


def under_launcher(launcher: str, address: str, options: Mapping[str, str]) -> Verdict:
    """The same in a process that the launcher starts with these options."""
    try:
        with tempfile.TemporaryDirectory(prefix="ironpit-") as directory:
            profile = Path(directory, "probe.opf")
            profile.write_text(as_launcher_profile(options, "ironpit doctor"), encoding="ascii")
            done = subprocess.run(
                [launcher, f"--profile={profile}", *PROGRAM, address],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        if done.returncode == 0:
            found = json.loads(done.stdout)
            return Verdict(found["path"], found["reason"], found["endpoint"])
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        said = str(error)
    return Verdict("kernel", f"the launcher {launcher} refuses: {said}")


if __name__ == "__main__":
    print(json.dumps(listener(sys.argv[1], Truth())._asdict()))
