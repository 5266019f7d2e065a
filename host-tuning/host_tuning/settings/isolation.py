"""Settings: isolated and tickless CPUs, callbacks, workqueues, strays."""

from host_tuning.setting import Setting

SETTINGS: tuple[Setting, ...] = ()
