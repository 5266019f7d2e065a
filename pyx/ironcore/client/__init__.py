"""The members' and subscribers' side: order load and feed."""
