"""Orders entered, replaced, cancelled and modified: sections 4 to 8 of docs/MATCHING_RULES.md."""
