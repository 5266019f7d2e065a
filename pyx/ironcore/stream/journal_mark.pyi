"""The journal's high-water mark; used through journal_mark.pxd only."""
