"""Settings: stolen time and contention."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
