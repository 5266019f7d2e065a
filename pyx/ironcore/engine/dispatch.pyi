"""The matching core: it applies one command at a time, and says in events what happened."""
