"""Goal: what the host's clock lacks is among the degraded features of a venue's process.

Method: the assembly's check, with reports of a slow and of a fast clock in place of the host's.
"""

import pytest

from ironcore.runtime.host_clock import ClockReport
from ironpit.venue import assembly


@pytest.mark.parametrize(
    ("system_call", "degraded"),
    [
        (False, []),
        (
            True,
            [
                {
                    "feature": "clock",
                    "reason": "clock source acpi_pm: reading the clock is a system call "
                    "(about 1200 ns)",
                }
            ],
        ),
    ],
)
def test_a_slow_clock_is_a_degraded_feature(
    monkeypatch: pytest.MonkeyPatch, system_call: bool, degraded: list[dict[str, str]]
) -> None:
    report = ClockReport("acpi_pm", 1187, 1190, system_call, system_call)
    monkeypatch.setattr(assembly, "clock_report", lambda: report)
    stages = assembly.ProcessStages.__new__(assembly.ProcessStages)
    stages.degraded = []
    stages._note_clock()
    assert stages.degraded == degraded
