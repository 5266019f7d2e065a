"""ITCH messages about orders and trades: for compiled modules; Python has itch_feed."""
