"""Settings: network interfaces."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
