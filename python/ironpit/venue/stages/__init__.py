"""Builders of stages: a module a kind, of the name that ironpit.config.stage_kinds has for it.

Here stands what a stage needs to be built and to be taken down; what it does stands in
ironcore.stage. A module of a kind has the class `Builder`, and imports no other kind's.
"""

from importlib import import_module

from ironpit.config import stage_kinds
from ironpit.venue.stages.stage import Context, Stage

__all__ = ["Context", "Stage", "builder_of"]


def builder_of(name: str) -> type[Stage]:
    """The builder of an instance's kind. Only what a process runs is imported there."""
    module = import_module(f"{__name__}.{stage_kinds.kind_of(name).name}")
    builder: type[Stage] = module.Builder
    return builder
