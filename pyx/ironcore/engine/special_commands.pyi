"""Orders and replacements of any kind, step by step."""
