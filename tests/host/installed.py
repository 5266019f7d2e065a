"""The units as `make install-systemd` leaves them, in a directory of the test's own."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
UNITS = "etc/systemd/system"


def install(destination: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the target's script with these variables; not `make`, which would build first."""
    return subprocess.run(
        [ROOT / "configs/systemd/install.sh"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DESTDIR": str(destination), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
