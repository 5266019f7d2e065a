"""Orders cancelled and modified: sections 6 and 8 of docs/MATCHING_RULES.md."""
