"""How the state of an instrument changes, and what follows from that."""
