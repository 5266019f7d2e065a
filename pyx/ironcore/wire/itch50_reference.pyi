"""ITCH 5.0, stocks and trading states: for compiled modules; Python has ironcore.wire.itch50."""
