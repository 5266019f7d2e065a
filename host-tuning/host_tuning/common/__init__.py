"""What every room of the host tool may use. Nothing of a host is read here, but for the output."""
