"""What a message says, with the words that show it. Pure."""
