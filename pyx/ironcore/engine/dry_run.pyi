"""What an aggressor could execute, without executing it."""
