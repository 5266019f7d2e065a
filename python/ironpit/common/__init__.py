"""What every room of the control plane may use: errors, output, files, lifecycle."""
