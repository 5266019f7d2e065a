"""What belongs to one order through all its replacements, for the operations of a flow."""

import numpy as np
import numpy.typing as npt

from ironpit.flow.operations import CANCEL, ENTER, IMMEDIATE_OR_CANCEL, REPLACE, Operations

Integers = npt.NDArray[np.int64]


def chains_of(operations: Operations) -> Integers:
    """For each operation the index of the ENTER that its order began with.

    ValueError for one that names an order which the flow does not have.
    """
    bits = int(operations["user_ref"].max(initial=0)).bit_length()
    session = operations["session"].astype(np.int64) << bits
    slots = np.full(int(session.max(initial=0)) + (1 << bits), -1)
    rows = np.arange(len(operations))
    creates = operations["kind"] != CANCEL
    slots[(session + operations["user_ref"])[creates]] = rows[creates]
    named = np.where(
        operations["kind"] == REPLACE, operations["orig_user_ref"], operations["user_ref"]
    )
    before = np.where(operations["kind"] == ENTER, rows, slots[session + named])
    if (before < 0).any():
        raise ValueError(f"operation {int(np.argmax(before < 0))} names an unknown order")
    while (before[before] != before).any():
        before = before[before]
    return before


def decrements_of(operations: Operations, chains: Integers) -> Integers:
    """By how much each partial CANCEL lowers the total that its order had; 0 for all else."""
    order = np.argsort(chains, kind="stable")
    totals = operations["quantity"][order].astype(np.int64)
    lowered = np.zeros(len(order), np.int64)
    lowered[1:] = totals[:-1] - totals[1:]
    found = np.zeros(len(order), np.int64)
    found[order] = lowered
    partial = (operations["kind"] == CANCEL) & (operations["quantity"] > 0)
    return np.where(partial, found, 0)


def resting_max(operations: Operations, chains: Integers) -> int:
    """No more orders than this can rest at one time, whatever executes."""
    steps = np.zeros(len(operations), np.int64)
    resting = operations["time_in_force"] != IMMEDIATE_OR_CANCEL
    steps[(operations["kind"] == ENTER) & resting] = 1
    whole = np.flatnonzero((operations["kind"] == CANCEL) & (operations["quantity"] == 0))
    _, first = np.unique(chains[whole], return_index=True)
    steps[whole[first]] = -1
    return int(np.cumsum(steps).max(initial=0))
