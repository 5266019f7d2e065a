"""Orders that follow the displayed best prices."""
