"""What the control plane may ask about the host's clocks, which it does not reach into base for."""

from ironcore.base.clock import ClockReport, clock_degraded_reason, clock_report

__all__ = ["ClockReport", "clock_degraded_reason", "clock_report"]
