"""Settings: idle states."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
