"""The settings that tune-host knows, one module a group."""
