"""Dormant orders: how they wait and follow, and which of them wakes next."""
