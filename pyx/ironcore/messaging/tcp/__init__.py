"""A stream as SoupBinTCP: the publication with its readers, and the subscription."""
