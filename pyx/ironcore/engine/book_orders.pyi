"""All orders of one instrument at once, in order of their slots."""
