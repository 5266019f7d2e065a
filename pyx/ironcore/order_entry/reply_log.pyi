"""The reply log; used by the gateway only, through reply_log.pxd."""
