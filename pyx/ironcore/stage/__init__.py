"""L4: gateway, matcher, publisher, journal: one file a box of the picture."""
