"""Settings: watchdogs, timers, preemption, throttling, statistics."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
