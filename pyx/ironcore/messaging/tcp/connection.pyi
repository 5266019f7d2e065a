"""The connection of a TCP subscription; used through connection.pxd."""
