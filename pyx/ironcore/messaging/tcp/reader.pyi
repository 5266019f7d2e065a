"""One reader of a TCP publication; used through tcp_reader.pxd."""
