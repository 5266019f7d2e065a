"""Instruments defined, changed and retired, and trades broken."""
