"""OUCH 5.0 over SoupBinTCP, as an order-entry protocol: messages in, replies out."""
