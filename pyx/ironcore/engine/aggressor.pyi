"""An incoming order of whatever kind against the opposite side."""
