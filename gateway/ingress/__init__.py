"""How messages and events come in."""
