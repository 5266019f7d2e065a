"""All settings, in the order of the table."""

import difflib

from host_tuning.checking.setting import Setting
from host_tuning.common.errors import ToolError
from host_tuning.settings import (
    clock,
    cpu,
    firmware,
    frequency,
    huge_pages,
    idle,
    interrupts,
    irqbalance,
    isolation,
    kernel,
    memory,
    network,
    network_queues,
    numa,
    onload,
    pcie,
    pressure,
    process,
    smt,
    sockets,
    strays,
    swap,
    tickless,
    workqueues,
)

SETTINGS: tuple[Setting, ...] = (
    *smt.SETTINGS,
    *cpu.SETTINGS,
    *firmware.SETTINGS,
    *frequency.SETTINGS,
    *idle.SETTINGS,
    *isolation.SETTINGS,
    *tickless.SETTINGS,
    *workqueues.SETTINGS,
    *strays.SETTINGS,
    *kernel.SETTINGS,
    *interrupts.SETTINGS,
    *irqbalance.SETTINGS,
    *network.SETTINGS,
    *network_queues.SETTINGS,
    *pcie.SETTINGS,
    *sockets.SETTINGS,
    *memory.SETTINGS,
    *huge_pages.SETTINGS,
    *swap.SETTINGS,
    *numa.SETTINGS,
    *process.SETTINGS,
    *clock.SETTINGS,
    *pressure.SETTINGS,
    *onload.SETTINGS,
)

BY_ID = {setting.id: setting for setting in SETTINGS}


def find(setting_id: str, option: str) -> Setting:
    """The setting of this id. Errors: ToolError that names the option and the nearest ids."""
    if setting_id in BY_ID:
        return BY_ID[setting_id]
    near = difflib.get_close_matches(setting_id, BY_ID, 3, 0.5)
    hint = f", nearest: {', '.join(near)}" if near else ""
    raise ToolError(f"{option}: found {setting_id!r}, expected an id of tune-host --list{hint}")
