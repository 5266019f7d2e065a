"""OUCH 5.0 into commands; used by the gateway only, through inbound.pxd."""
