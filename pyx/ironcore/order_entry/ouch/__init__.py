"""OUCH 5.0: members' messages in, replies out."""
