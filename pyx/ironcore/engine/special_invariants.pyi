"""What must hold of the rarer orders."""
