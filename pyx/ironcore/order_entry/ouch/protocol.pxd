# OUCH 5.0 over SoupBinTCP: the object PROTOCOL.
