"""What a host is and has, read from its files and its kernel."""
