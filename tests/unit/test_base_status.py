"""Goal: Python and the data plane mean the same by each result code.

Method: the enum is compared with the declarations in status.pxd.
"""

import re
from pathlib import Path

from ironcore.base.status import Status

DECLARED = Path(__file__).resolve().parents[2] / "pyx/ironcore/base/status.pxd"


def test_status_codes_are_those_of_the_data_plane() -> None:
    found = re.findall(r"^    STATUS_(\w+) = (\d+)", DECLARED.read_text(), re.MULTILINE)
    assert {name: int(number) for name, number in found} == {s.name: s.value for s in Status}
    assert len(found) > 10
