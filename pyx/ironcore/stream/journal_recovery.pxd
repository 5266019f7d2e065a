# Recovery of a journal after a crash. Its names are Python's: see journal_recovery.pyi.
