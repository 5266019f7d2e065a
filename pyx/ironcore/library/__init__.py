"""L5: the engine in a Python process or a C program: rows of commands, the capsule."""
