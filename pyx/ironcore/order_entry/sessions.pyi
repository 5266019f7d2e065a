"""The sessions as the stream defines them; used by the gateway and by replay, through
sessions.pxd."""
