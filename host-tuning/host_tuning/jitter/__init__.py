"""Time stolen from each core, measured, reported and compared."""
