"""The connection of a TCP subscription; used through tcp_connection.pxd."""
