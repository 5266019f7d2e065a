"""How the readers of a TCP publication come; used through logins.pxd."""
