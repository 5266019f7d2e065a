"""The host's sockets; used by the stages only, through sockets.pxd."""
