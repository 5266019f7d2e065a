"""What one may ask about the books between two commands."""
