"""What a setting is, one of those that docs/HOST.md lists: its texts, inspection and changes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from host_tuning.common.change import BootArgument, Change, FirmwareStep
from host_tuning.common.verdict import Cost, Finding

if TYPE_CHECKING:
    from host_tuning.target.host import Host


class When(StrEnum):
    """When a change of the setting takes effect."""

    RUNTIME = "runtime"
    REBOOT = "reboot"
    FIRMWARE = "firmware"
    PLACEMENT = "placement"
    REPORT = "report"


Step: TypeAlias = Change | BootArgument | FirmwareStep


def no_steps(host: "Host") -> Iterable[Step]:
    """For settings that nothing can change from inside the host."""
    return ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing about a host that is checked.

    id: as in --only. group: heading in the table. title: a few words. what, why, see, set, undo:
    the texts of --explain. sources: where the rule comes from. cost: what is known of the cost
    where the host does not tell it. inspect: findings, at least one, read only. steps: what would
    make it right, nothing where it is right already.
    """

    id: str
    group: str
    title: str
    when: When
    what: str
    why: str
    see: str
    set: str
    undo: str
    sources: tuple[str, ...]
    inspect: Callable[["Host"], Iterable[Finding]]
    steps: Callable[["Host"], Iterable[Step]] = no_steps
    cost: Cost = field(default_factory=Cost)
