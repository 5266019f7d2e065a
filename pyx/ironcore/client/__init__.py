"""L5: the members' and subscribers' side: order load and feed."""
