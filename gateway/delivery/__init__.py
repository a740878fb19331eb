"""How accepted messages go out."""
