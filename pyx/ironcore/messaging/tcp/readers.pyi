"""The readers of a TCP publication, turn by turn; used through readers.pxd."""
