"""Dormant orders: how they wait, follow and wake."""
