"""Settings: busy polling and TCP."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
