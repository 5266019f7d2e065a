"""Reading a journal without the interpreter; used through journal_cursor.pxd only."""
