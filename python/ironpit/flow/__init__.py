"""Member order flow: from market data (`from_itch`) or of our own making (`generate`)."""

from ironpit.flow.generator import generate
from ironpit.flow.itch import FlowError, from_itch
from ironpit.flow.operations import OPERATION, Flow

__all__ = ["OPERATION", "Flow", "FlowError", "from_itch", "generate"]
