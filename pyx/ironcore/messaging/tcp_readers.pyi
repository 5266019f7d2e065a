"""The readers of a TCP publication; used through tcp_readers.pxd."""
