"""OUCH 5.0 appendages: for compiled modules; Python has ironcore.wire.ouch50."""
