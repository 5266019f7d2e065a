"""The tree of price levels of one side of one book: its paths are made and taken down here."""
