"""Used by the load generator only, through load_session.pxd."""
