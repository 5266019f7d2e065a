"""L1: pure codecs over buffers."""
