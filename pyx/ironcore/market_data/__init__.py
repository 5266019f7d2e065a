"""L3: the event stream as the public sees it: ITCH, and the books made of it."""
