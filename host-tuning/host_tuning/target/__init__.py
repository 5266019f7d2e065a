"""What the operator wants of the host: profile, host file, hot CPUs."""
