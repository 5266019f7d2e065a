"""The prices beyond which nothing executes."""
