"""The loops that are measured, compiled."""
