"""What we know of a person: events become state. Pure."""
