"""The gateway's connections; used by the gateway only, through connection.pxd."""
