"""Settings: kernel bypass."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
