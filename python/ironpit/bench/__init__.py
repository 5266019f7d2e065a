"""Measurements: each says from where to where, beside the floor of this machine, with its
spread."""
