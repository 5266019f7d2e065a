"""The bytes that a TCP subscription takes from the host; used through receiver.pxd."""
