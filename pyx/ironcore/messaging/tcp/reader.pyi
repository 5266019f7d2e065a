"""One reader of a TCP publication; used through reader.pxd."""
