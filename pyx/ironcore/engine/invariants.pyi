"""Checks a whole engine's structures against each other: section 11 of docs/MATCHING_RULES.md."""
