"""ITCH 5.0, orders, trades and auctions: for compiled modules; Python has ironcore.wire.itch50."""
