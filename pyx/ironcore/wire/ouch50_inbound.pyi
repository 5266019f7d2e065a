"""OUCH 5.0, client to venue: for compiled modules; Python has ironcore.wire.ouch50."""
