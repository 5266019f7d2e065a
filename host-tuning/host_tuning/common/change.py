"""A change that a plan proposes and the applier makes, and its kinds.

A change is data: the undo log keeps it as one line and a later process takes it back from there.
What reading, writing and comparing mean is the kind's business (see `change_kinds`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One write.

    setting: id of the setting that wants it. kind: a name in change_kinds.KINDS. target: what is
    written, a path as on the host for files. new: the value to write, in the kind's own text.
    subject: as in a finding. required: whether a refusal by the kernel takes the whole run back.
    """

    setting: str
    kind: str
    target: str
    new: str
    subject: str = "host"
    required: bool = False


@dataclass(frozen=True, slots=True)
class BootArgument:
    """A kernel argument that the next boot needs: `isolcpus` with `managed_irq,domain,2-5`."""

    setting: str
    name: str
    value: str | None = None

    @property
    def text(self) -> str:
        """As it stands on a kernel's command line."""
        return self.name if self.value is None else f"{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class FirmwareStep:
    """What only the firmware's setup, or the cloud's instance options, can change."""

    setting: str
    step: str
