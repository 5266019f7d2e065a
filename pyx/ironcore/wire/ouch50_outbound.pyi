"""OUCH 5.0, about one order: for compiled modules; Python has ironcore.wire.ouch50."""
