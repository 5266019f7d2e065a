"""Settings: smt, mitigations, uncore, power profile, machine checks, firmware."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
