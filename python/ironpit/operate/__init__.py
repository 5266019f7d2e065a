"""What looks at a venue from outside, or commands it."""
