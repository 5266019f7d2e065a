"""OUCH 5.0, about an account: for compiled modules; Python has ironcore.wire.ouch50."""
