"""Instruments by symbol; used by the stages only, through directory.pxd."""
