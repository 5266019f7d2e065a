"""How the readers of a TCP publication come; used through tcp_logins.pxd."""
