"""Execution reports as OUCH 5.0 replies: for compiled modules."""
