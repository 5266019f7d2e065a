"""L3: what the event stream means: the journal and its readers, and what is defined in it."""
