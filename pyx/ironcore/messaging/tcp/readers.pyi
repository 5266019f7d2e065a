"""The readers of a TCP publication, turn by turn; used through tcp_readers.pxd."""
