"""Settings: cpusets, quotas and limits."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
