"""Packets that came before their turn; used through multicast_hold.pxd only."""
