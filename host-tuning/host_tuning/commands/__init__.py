"""The commands of tune-host, one module each: `run(options) -> exit code`."""
