"""Settings: interrupts and who moves them."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
