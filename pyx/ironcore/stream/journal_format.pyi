"""The journal's bytes on disk; used through journal_format.pxd only."""
