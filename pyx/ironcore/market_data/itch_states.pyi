"""ITCH messages about instruments and the venue: for compiled modules; Python has itch_feed."""
