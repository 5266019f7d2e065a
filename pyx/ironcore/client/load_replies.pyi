"""Used by the load generator only, through load_replies.pxd."""
