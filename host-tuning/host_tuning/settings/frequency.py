"""Settings: governor, energy preference and turbo."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
