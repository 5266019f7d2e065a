"""The gateway's connections; used by the gateway only, through gateway_connection.pxd."""
