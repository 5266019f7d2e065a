"""Packets that came before their turn; used through hold.pxd only."""
